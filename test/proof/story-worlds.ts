/**
 * Applies the moves of a story one after another and fills in the reads and commits between them. A *world* is the
 * state of the model of one conversation (world.ts).
 */
import { applyMove } from './apply-move.ts';
import { describeMove, type Move } from './moves.ts';
import { nextBenignMove, possibleMoves } from './possible-moves.ts';
import { isReading, start, type World } from './world.ts';

/**
 * Returns the world after each move of a story, from the first one until it is idle again. Throws when a move is not
 * possible.
 */
export function worldsOf(story: readonly Move[], from = start): World[] {
  const { worlds, impossible } = asFarAsPossible(story, from);
  if (impossible)
    throw new Error(
      `no way to "${describeMove(impossible)}" after: ${worlds.at(-1)?.path.map(describeMove).join(', ')}`,
    );
  return worlds;
}

/** Does the same for a story that other limits may cut short. `impossible` is the first move that is not possible. */
export function asFarAsPossible(story: readonly Move[], from: World): { worlds: World[]; impossible: Move | null } {
  const worlds = [from];
  let world = from;
  const step = (move: Move) => worlds.push((world = applyMove(world, move)));
  for (const move of story) {
    while (!isPossible(world, move)) {
      const needed = plumbing(world);
      if (needed === null) return { worlds: [...worlds, ...worldsUntilIdle(world)], impossible: move };
      step(needed);
    }
    step(move);
  }
  return { worlds: [...worlds, ...worldsUntilIdle(world)], impossible: null };
}

/** Applies benign moves until only a client could go on. */
export function worldsUntilIdle(world: World): World[] {
  const worlds: World[] = [];
  for (let at = world, move = nextBenignMove(at); move !== null; move = nextBenignMove(at))
    worlds.push((at = applyMove(at, move)));
  return worlds;
}

export function isPossible(world: World, move: Move): boolean {
  return possibleMoves(world).some((other) => JSON.stringify(other) === JSON.stringify(move));
}

function plumbing(world: World): Move | null {
  if (world.held.length > 0) return { do: 'commit', together: false };
  return isReading(world) ? { do: 'read', works: true } : null;
}
