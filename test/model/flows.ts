/**
 * The flows: for each limit of tool hops as few as reach every goal, found by xstate/graph from the shipping chart.
 * Each is a shortest path to something, and goes on from there to rest in the kindest of worlds.
 */
import { createHash } from 'node:crypto';
import type { KillPoint } from '../proof/kill-points.ts';
import { cover } from '../proof/paths.ts';
import { applyMove } from '../proof/apply-move.ts';
import { stories } from '../proof/stories.ts';
import { asFarAsPossible, worldsUntilIdle } from '../proof/story-worlds.ts';
import type { Move } from '../proof/moves.ts';
import { proofSettings, startWith, type World } from '../proof/world.ts';
import { flowName } from './flow-name.ts';
import { HOP_LIMITS, reachedIn } from './goals.ts';

/** Its path ends at rest, and nothing is killed before. `of` is its name. */
export interface Flow extends KillPoint {
  maxToolHops: number;
  /** Everything that is reached on the way. */
  reached: ReadonlySet<string>;
}

export interface Plan {
  maxToolHops: number;
  /** Goals that some path reaches. */
  reachable: ReadonlySet<string>;
  flows: readonly Flow[];
}

/** Takes a few seconds a limit. */
export function plan(limits: readonly number[] = HOP_LIMITS): Plan[] {
  return limits.map(planWith);
}

/** Nothing has happened yet, and a turn may make so many hops. */
export function startWithHops(maxToolHops: number): World {
  return startWith({ ...proofSettings, limits: { ...proofSettings.limits, maxToolHops } });
}

/** A flow of these moves, which must be possible, and of the rest that follows. */
export function flowOf(moves: readonly Move[], maxToolHops: number): Flow {
  const from = startWithHops(maxToolHops);
  const worlds = moves.reduce((worlds, move) => [...worlds, applyMove(worlds.at(-1) ?? from, move)], [from]);
  const all = [...worlds, ...worldsUntilIdle(worlds.at(-1) ?? from)];
  const path = all.at(-1)?.path ?? [];
  const id = createHash('sha256')
    .update(JSON.stringify([maxToolHops, path]))
    .digest('hex')
    .slice(0, 8);
  return {
    id,
    of: flowName(path, from),
    from,
    moves: path,
    instant: 'held',
    maxToolHops,
    reached: new Set(all.flatMap(reachedIn)),
  };
}

function planWith(maxToolHops: number): Plan {
  const from = startWithHops(maxToolHops);
  const told = [...Object.values(stories), hopsToTheLimit(maxToolHops)].flatMap(
    (story) => asFarAsPossible(story, from).worlds,
  );
  const reached = cover(from, told, reachedIn);
  const paths = [...new Set(reached.values())].map(({ path }) => flowOf(path, maxToolHops));
  return { maxToolHops, reachable: new Set(reached.keys()), flows: fewest(paths, new Set(reached.keys())) };
}

/** One hop after another, and one more than may be. */
function hopsToTheLimit(maxToolHops: number): Move[] {
  const hop: Move[] = [
    { do: 'ask', tools: ['look'] },
    { do: 'call', tool: 'look', ends: 'ok' },
  ];
  return [
    { do: 'chat', id: 'r1', mode: 'queue', words: 'own' },
    ...Array.from({ length: maxToolHops }, () => hop).flat(),
    { do: 'ask', tools: ['look'] },
  ];
}

/** Takes time and again the flow that reaches most of what is left; of two the shorter one. */
function fewest(flows: readonly Flow[], goals: ReadonlySet<string>): Flow[] {
  const left = new Set(goals);
  const chosen: Flow[] = [];
  while (left.size > 0) {
    const gains = flows.map((flow) => ({ flow, gain: [...flow.reached].filter((goal) => left.has(goal)).length }));
    const best = gains.reduce((one, other) =>
      other.gain > one.gain || (other.gain === one.gain && other.flow.moves.length < one.flow.moves.length)
        ? other
        : one,
    );
    if (best.gain === 0) break;
    chosen.push(best.flow);
    for (const goal of best.flow.reached) left.delete(goal);
  }
  return chosen;
}
