/**
 * Computes an edge cover of the shipping charts with xstate/graph: the shortest known path to each edge. The search
 * goes over worlds (world.ts), from the beginning and from every world of a story.
 */
import { fromTransition } from 'xstate';
import { adjacencyMapToArray, getAdjacencyMap } from 'xstate/graph';
import { conversationMachine } from '../../machines/conversation/machine.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import { edgesOf } from './edges.ts';
import { possibleMoves } from './possible-moves.ts';
import { stories } from './stories.ts';
import { worldsOf } from './story-worlds.ts';
import { reasonFor } from './unreachable.ts';
import { describeMove, type Move } from './moves.ts';
import { applyMove } from './apply-move.ts';
import { start, type World } from './world.ts';
import { worldKey } from './world-key.ts';

/** Depth of the search from the beginning, and from the worlds of a story. */
const MOVES_FROM_START = 6;
const MOVES_FROM_STORIES = 2;

/** Lists every edge that is written in the charts. */
export function allEdges(): string[] {
  return [...edgesOf(conversationMachine), ...edgesOf(toolCallMachine)].map(({ id }) => id);
}

/** Lists edges that no path takes and that have no reason. */
export function uncoveredEdges(cover: ReadonlyMap<string, World>): string[] {
  return allEdges().filter((edge) => !cover.has(edge) && reasonFor(edge) === null);
}

/** Maps each edge to the world right after it was taken; `path` of that world leads there. */
export function coverEdges(): Map<string, World> {
  return cover(
    start,
    Object.values(stories).flatMap((story) => worldsOf(story)),
    ({ taken }) => taken,
  );
}

/** Maps each result of a move to the first world that has it, of all within reach of `from` and of the seeds. */
export function cover(
  from: World,
  seeds: readonly World[],
  broughtAbout: (world: World) => readonly string[],
): Map<string, World> {
  const cover = new Map<string, World>();
  const take = (world: World) => {
    for (const result of broughtAbout(world)) {
      const known = cover.get(result);
      if (!known || known.path.length > world.path.length) cover.set(result, world);
    }
  };
  for (const world of seeds) take(world);
  const distinct = new Map(seeds.map((world) => [worldKey(world), world]));
  for (const world of walk([from], MOVES_FROM_START)) take(world);
  for (const world of walk([...distinct.values()], MOVES_FROM_STORIES)) take(world);
  return cover;
}

/** Lists every world within so many moves of one of these. */
function walk(from: readonly World[], moves: number): World[] {
  const logic = fromTransition((world: World, { move }: { type: string; move: Move }) => applyMove(world, move), start);
  const seen = new Map<string, number>();
  return from.flatMap((first): World[] => {
    const end = first.path.length + moves;
    const known = getAdjacencyMap(logic, {
      fromState: { status: 'active', output: undefined, error: undefined, context: { ...first, deviations: 0 } },
      serializeState: ({ context }) => worldKey(context),
      events: ({ context }) => possibleMoves(context).map((move) => ({ type: describeMove(move), move })),
      // Another search was here, with at least as many moves left.
      stopWhen({ context }) {
        const left = end - context.path.length;
        const key = worldKey(context);
        if (left <= (seen.get(key) ?? 0)) return true;
        seen.set(key, left);
        return false;
      },
    });
    return adjacencyMapToArray(known).map(({ nextState }) => nextState.context);
  });
}
