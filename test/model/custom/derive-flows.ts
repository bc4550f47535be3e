/**
 * Derives the flows of one tool from the shipping chart with xstate/graph. There is one flow for each way in which a
 * turn that calls the tool may end, by the shortest path. Limits and policy are those of the configuration.
 */
import { fromTransition } from 'xstate';
import { adjacencyMapToArray, getAdjacencyMap } from 'xstate/graph';
import { pathOf } from '../../proof/chart-step.ts';
import { describeMove, type Stimulus } from '../../proof/moves.ts';
import { openQuestions, stateOf, type Settings, type World } from '../../proof/world.ts';
import { worldKey } from '../../proof/world-key.ts';
import { begin, rowLabel, step } from './custom-flow.ts';

/** Returns the flows, shortest first. */
export function deriveFlows(tool: string, settings: Settings): Stimulus[][] {
  const from = begin(settings);
  const logic = fromTransition((world: World, { move }: { type: string; move: Stimulus }) => step(world, move), from);
  const known = getAdjacencyMap(logic, {
    serializeState: ({ context }) => JSON.stringify([worldKey(context), isTroubled(context), outcomeOf(context)]),
    events: ({ context }) => possibleMoves(context, tool).map((move) => ({ type: describeMove(move), move })),
  });
  const byOutcome = new Map<string, World>();
  for (const {
    nextState: { context: world },
  } of adjacencyMapToArray(known)) {
    if (world.path.length === 0 || stateOf(world) !== 'idle') continue;
    const outcome = outcomeOf(world);
    const shortest = byOutcome.get(outcome);
    if (!shortest || shortest.path.length > world.path.length) byOutcome.set(outcome, world);
  }
  const shortestFirst = [...byOutcome.values()].sort((one, other) => one.path.length - other.path.length);
  return shortestFirst.map(({ path }) => path.filter(({ do: word }) => word !== 'commit' && word !== 'read'));
}

/** After a stop, a timeout or a denial the model only answers. Other flows show what may come later. */
function possibleMoves(world: World, tool: string): Stimulus[] {
  const turn = world.conversation?.context.turn ?? null;
  if (world.path.length === 0) return [{ do: 'chat', id: 'r1', mode: 'queue', words: 'own' }];
  if (turn === null) return [];
  const isFirstHop = turn.hops <= 1 && !isTroubled(world);
  const stop: Stimulus[] = isFirstHop ? [{ do: 'stop', target: null }] : [];
  // A Stop comes after the first text, so that the partial answer is visible.
  if (world.begun) return stop;
  if (turn.asking)
    return isTroubled(world)
      ? [{ do: 'answer' }]
      : [{ do: 'answer' }, { do: 'ask', tools: [tool] }, ...(isFirstHop ? [{ do: 'begin' } satisfies Stimulus] : [])];
  if (openQuestions(world.log.rows()).length > 0) {
    const approve: Stimulus = { do: 'respond', decision: 'approve', to: 'first' };
    return isFirstHop
      ? [approve, { do: 'respond', decision: 'deny', to: 'first' }, { do: 'expire' }, ...stop]
      : [approve];
  }
  if ([...world.calls.values()].some(({ value }) => pathOf(value) === 'running')) {
    return [
      { do: 'call', tool, ends: 'ok' },
      ...(isFirstHop ? [{ do: 'call', tool, ends: 'late' } satisfies Stimulus] : []),
      ...stop,
    ];
  }
  return [];
}

/** What has happened, without repetitions. */
function outcomeOf({ log }: World): string {
  return [...new Set(log.rows().map(rowLabel))].join();
}

function isTroubled({ path }: World): boolean {
  return path.some(
    (move) =>
      move.do === 'stop' ||
      move.do === 'expire' ||
      (move.do === 'call' && move.ends === 'late') ||
      (move.do === 'respond' && move.decision === 'deny'),
  );
}
