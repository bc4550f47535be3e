/**
 * Plans the flows: for each limit of tool hops the fewest that reach every goal, found with xstate/graph in the
 * shipping chart. Each flow is a shortest path to a goal, followed by benign moves until the conversation is idle.
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

/** Its moves end idle, and no kill comes before. `of` is its name. */
export interface Flow extends KillPoint {
  maxToolHops: number;
  /** All goals that it reaches. */
  reached: ReadonlySet<string>;
}

export interface Plan {
  maxToolHops: number;
  /** Goals that some path reaches. */
  reachable: ReadonlySet<string>;
  flows: readonly Flow[];
}

/** Plans the flows of each limit. Takes a few seconds a limit. */
export function plan(limits: readonly number[] = HOP_LIMITS): Plan[] {
  return limits.map(planWith);
}

/** Returns a world in which nothing has happened yet and a turn may have so many hops. */
export function startWithHops(maxToolHops: number): World {
  return startWith({ ...proofSettings, limits: { ...proofSettings.limits, maxToolHops } });
}

/** Makes a flow of these moves, which must be possible, and of the benign moves that follow. */
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
  const seeds = [...Object.values(stories), hopsToTheLimit(maxToolHops)].flatMap(
    (story) => asFarAsPossible(story, from).worlds,
  );
  const reached = cover(from, seeds, reachedIn);
  const paths = [...new Set(reached.values())].map(({ path }) => flowOf(path, maxToolHops));
  return { maxToolHops, reachable: new Set(reached.keys()), flows: fewest(paths, new Set(reached.keys())) };
}

/** Makes as many hops as allowed, and one more. */
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

/** Repeatedly takes the flow that reaches most of the remaining goals; of two the shorter one. */
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
