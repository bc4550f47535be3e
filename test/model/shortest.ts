/**
 * Shrinks a flow that fails: finds its shortest beginning that fails, then drops each move that is not needed. Every
 * move of the result is needed.
 */
import { applyMove } from '../proof/apply-move.ts';
import { isPossible } from '../proof/story-worlds.ts';
import type { Move } from '../proof/moves.ts';
import type { World } from '../proof/world.ts';

export interface ShorteningOptions {
  from: World;
  /** Whether a flow of these moves, followed by benign ones, fails too. */
  fails(moves: readonly Move[]): Promise<boolean>;
  /** Number of flows that may be played. */
  maxTries: number;
}

/** Returns the moves themselves if nothing shorter fails, or no shorter flow was found in time. */
export async function shortestFailing(
  moves: readonly Move[],
  { from, fails, maxTries }: ShorteningOptions,
): Promise<readonly Move[]> {
  let tries = 0;
  const alsoFails = async (shorter: readonly Move[]) => {
    if (tries >= maxTries || !areAllPossible(from, shorter)) return false;
    tries += 1;
    return fails(shorter);
  };

  let shortest = moves;
  for (let length = 1; length < moves.length; length += 1) {
    const beginning = moves.slice(0, length);
    if (!(await alsoFails(beginning))) continue;
    shortest = beginning;
    break;
  }
  for (let at = shortest.length - 1; at >= 0; at -= 1) {
    const without = shortest.toSpliced(at, 1);
    if (without.length > 0 && (await alsoFails(without))) shortest = without;
  }
  return shortest;
}

function areAllPossible(from: World, moves: readonly Move[]): boolean {
  let world = from;
  return moves.every((move) => {
    if (!isPossible(world, move)) return false;
    world = applyMove(world, move);
    return true;
  });
}
