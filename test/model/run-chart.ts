/** Plays the requested flows of the shipping chart and reports the coverage. */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyMove } from '../proof/apply-move.ts';
import { describeMove, type Move } from '../proof/moves.ts';
import { possibleMoves } from '../proof/possible-moves.ts';
import { proveAll, sample } from '../proof/prove.ts';
import { explainFailures } from './failures.ts';
import { flowOf, plan, startWithHops, type Flow } from './flows.ts';
import { coverageTable, uncovered, progress, unreachableList } from './report.ts';

/** Selects flows; without any option all of them. */
export interface Wanted {
  seed?: string | undefined;
  /** Number of flows, chosen by the seed. */
  part?: number | undefined;
  /** An id or a name. */
  only?: string | undefined;
  /** A limit of tool hops. */
  hops?: number | undefined;
  /** Moves of one flow as JSON; needs `hops`. */
  moves?: string | undefined;
}

/** Returns whether all flows held and the coverage is complete. */
export async function runChart({
  say,
  isUnread,
  ...wanted
}: Wanted & { say(line: string): void; isUnread(): boolean }): Promise<boolean> {
  const plans = wanted.moves === undefined ? plan(wanted.hops === undefined ? undefined : [wanted.hops]) : [];
  const all = plans.flatMap(({ flows }) => flows);
  const chosen = choose(all, wanted);
  if (chosen.length === 0) throw new Error('There is no such flow.');

  const cache = await mkdtemp(join(tmpdir(), 'parley-model-cache-'));
  const startedMs = performance.now();
  const byId = new Map(chosen.map((flow) => [flow.id, flow]));
  const verdicts = await proveAll(chosen, {
    cache,
    atEnd: true,
    isStopped: isUnread,
    atOnce: availableParallelism() + 1,
    onVerdict(verdict, done) {
      const flow = byId.get(verdict.point.id);
      if (flow) say(progress(flow, verdict, done, chosen.length));
    },
  });
  const broken = verdicts.filter(({ problems }) => problems.length > 0);
  for (const text of await explainFailures(broken, byId, cache)) say(text);
  await rm(cache, { recursive: true, force: true });

  const held = chosen.filter(({ id }) => !broken.some(({ point }) => point.id === id));
  const covered = plans.map(({ maxToolHops }) => {
    const flows = held.filter((flow) => flow.maxToolHops === maxToolHops);
    return { maxToolHops, flows, reached: new Set(flows.flatMap(({ reached }) => [...reached])) };
  });
  const isWhole = chosen.length === all.length;
  const missing = plans.flatMap(({ maxToolHops, reachable }) =>
    uncovered(reachable, maxToolHops).map((goal) => `NO FLOW and no reason with max_tool_hops ${maxToolHops}: ${goal}`),
  );
  if (isWhole) {
    say('\nGoals that no move can reach, by reason:\n');
    for (const line of unreachableList(covered)) say(line);
    say('');
    for (const line of coverageTable(covered)) say(line);
  }
  for (const line of missing) say(line);
  say(`\n${held.length} of ${chosen.length} flows held, in ${Math.round((performance.now() - startedMs) / 1000)} s`);
  return broken.length === 0 && missing.length === 0;
}

function choose(all: readonly Flow[], { moves, hops, only, part, seed = '' }: Wanted): readonly Flow[] {
  if (moves !== undefined) return [readMoves(moves, Number(hops))];
  if (only !== undefined) return all.filter(({ id, of }) => id === only || of === only);
  return part === undefined ? all : sample(all, part, seed);
}

/**
 * Reads a flow from the command line: moves as JSON, as a failure prints them. Throws for moves that the chart does not
 * allow.
 */
function readMoves(text: string, maxToolHops: number): Flow {
  const asked: unknown = JSON.parse(text);
  if (!Array.isArray(asked) || !Number.isInteger(maxToolHops))
    throw new Error('--moves must be a list and needs --hops');
  let world = startWithHops(maxToolHops);
  const moves = asked.map((each): Move => {
    const possible = possibleMoves(world);
    const move = possible.find((other) => JSON.stringify(other) === JSON.stringify(each));
    if (!move)
      throw new Error(
        `${JSON.stringify(each)} is not possible here; possible are: ${possible.map(describeMove).join(', ')}`,
      );
    world = applyMove(world, move);
    return move;
  });
  return flowOf(moves, maxToolHops);
}
