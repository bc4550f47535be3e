/**
 * Makes a flow that fails shorter: first the shortest beginning of it that fails, then without each move that it can
 * do without. What is left is a counterexample in which every move is needed.
 */
import { applyMove } from '../proof/apply-move.ts';
import { isPossible } from '../proof/story-worlds.ts';
import type { Move } from '../proof/moves.ts';
import type { World } from '../proof/world.ts';

export interface ShorteningOptions {
  from: World;
  /** Whether a flow of these moves, and the rest after them, fails as well. */
  fails(moves: readonly Move[]): Promise<boolean>;
  /** Flows that may be played for it. */
  maxTries: number;
}

/** The moves themselves when nothing shorter fails, or nothing was found in so many tries. */
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
