/** A flow as the command line names it: its moves as JSON, as a failure has told them. */
import { play } from '../proof/apply-move.ts';
import { possibleMoves } from '../proof/possible-moves.ts';
import { tell, type Move } from '../proof/moves.ts';
import { flowOf, startWithHops, type Flow } from './flows.ts';

/** Throws for what the chart does not allow. */
export function readMoves(text: string, maxToolHops: number): Flow {
  const asked: unknown = JSON.parse(text);
  if (!Array.isArray(asked) || !Number.isInteger(maxToolHops))
    throw new Error('--moves is a list, and goes with --hops');
  let world = startWithHops(maxToolHops);
  const moves = asked.map((each): Move => {
    const possible = possibleMoves(world);
    const move = possible.find((other) => JSON.stringify(other) === JSON.stringify(each));
    if (!move)
      throw new Error(`${JSON.stringify(each)} is not possible here; possible are: ${possible.map(tell).join(', ')}`);
    world = play(world, move);
    return move;
  });
  return flowOf(moves, maxToolHops);
}
