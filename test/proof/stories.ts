/**
 * The turns that everyone should be able to name, told in moves. Reads and commits that nothing is said of
 * happen by themselves. Every gap of a story is proven, from its first word to rest; and the walk that looks
 * for edges starts anew wherever a story has been.
 */
import { kindMove, possibleMoves } from './possible.ts';
import { play } from './play.ts';
import { isReading, start, type World } from './world.ts';
import { tell, type Move, type ToolName } from './vocabulary.ts';

const chat = (id: string, mode: 'queue' | 'reject' | 'interrupt' = 'queue'): Move => ({
  do: 'chat',
  id,
  mode,
  words: 'own',
});
const ask = (...tools: ToolName[]): Move => ({ do: 'ask', tools });
const call = (tool: ToolName, ends: 'ok' | 'error' | 'lost' | 'late' | 'asks' | 'unanswered' = 'ok'): Move => ({
  do: 'call',
  tool,
  ends,
});
const stop = (target: string | null = null): Move => ({ do: 'stop', target });
const fault = (how: 'busy' | 'refused' | 'long' | 'cut'): Move => ({ do: 'fault', how });
const begin: Move = { do: 'begin' };
const answer: Move = { do: 'answer' };
const approve: Move = { do: 'respond', decision: 'approve', to: 'first' };
const approveNext: Move = { do: 'respond', decision: 'approve', to: 'next' };
const late: Move = { do: 'respond', decision: 'approve', to: 'late' };
const deny: Move = { do: 'respond', decision: 'deny', to: 'first' };
const commit: Move = { do: 'commit', together: false };
const crash: Move = { do: 'crash' };

export const stories: Readonly<Record<string, readonly Move[]>> = {
  'text only': [chat('r1'), begin, answer],
  'one hop': [chat('r1'), begin, ask('book'), call('book'), answer],
  'two hops': [chat('r1'), ask('book'), call('book'), ask('look'), call('look'), answer],
  'two calls at once, the second ends first': [chat('r1'), ask('book', 'look'), call('look'), call('book'), answer],
  'two calls at once, one fails': [chat('r1'), ask('book', 'look'), call('book', 'error'), call('look'), answer],
  'a tool that is not there': [chat('r1'), ask('fly'), answer],
  'a call is lost': [chat('r1'), ask('book'), call('book', 'lost'), answer],
  'an idempotent call is lost and made again': [chat('r1'), ask('look'), call('look', 'lost'), call('look'), answer],
  'a call takes too long': [chat('r1'), ask('book'), call('book', 'late'), answer],
  'the limit of hops': [chat('r1'), ask('book'), call('book'), ask('look'), call('look'), ask('book')],
  'the budget of a turn is used up': [chat('r1'), { do: 'ask', tools: ['book'], dear: true }, call('book')],
  'a call is approved': [chat('r1'), ask('pay'), approve, call('pay'), answer],
  'an approval is remembered': [
    chat('r1'),
    ask('pay'),
    { do: 'respond', decision: 'approve', to: 'first', always: true },
    call('pay'),
    ask('pay'),
    call('pay'),
    answer,
  ],
  'a call is denied': [chat('r1'), ask('pay'), deny, answer],
  'nobody approves a call in time': [chat('r1'), ask('pay'), { do: 'expire' }, answer],
  'one call runs, one waits for approval': [chat('r1'), ask('book', 'pay'), call('book'), approve, call('pay'), answer],
  'one call runs, another is denied': [chat('r1'), ask('book', 'pay'), deny, call('book'), answer],
  'two people answer': [chat('r1'), ask('pay'), { do: 'look' }, approve, commit, late, call('pay'), answer],
  'the second answer comes long after the first': [
    chat('r1'),
    ask('pay'),
    { do: 'look' },
    approve,
    call('pay'),
    answer,
    commit,
    late,
  ],
  'of two questions one is answered twice': [
    chat('r1'),
    ask('pay', 'pay'),
    { do: 'look' },
    approve,
    call('pay'),
    commit,
    late,
    approve,
    call('pay'),
    answer,
  ],
  'a question outlives a restart': [chat('r1'), ask('pay'), commit, crash, approve, call('pay'), answer],
  'a question sleeps': [chat('r1'), ask('pay'), commit, { do: 'passivate' }, approve, call('pay'), answer],
  'a server asks, and goes on with the answer': [
    chat('r1'),
    ask('table'),
    call('table', 'asks'),
    approve,
    call('table'),
    answer,
  ],
  'a server asks, and a person declines': [
    chat('r1'),
    ask('table'),
    call('table', 'asks'),
    deny,
    call('table'),
    answer,
  ],
  'a question of a server outlives a restart': [
    chat('r1'),
    ask('table'),
    call('table', 'asks'),
    commit,
    crash,
    approve,
    call('table'),
    answer,
  ],
  'a question of a server sleeps': [
    chat('r1'),
    ask('table'),
    call('table', 'asks'),
    commit,
    { do: 'passivate' },
    approve,
    call('table'),
    answer,
  ],
  'nobody answers a server in time': [
    chat('r1'),
    ask('table'),
    call('table', 'asks'),
    commit,
    { do: 'expire' },
    call('table'),
    answer,
  ],
  'a turn is stopped as a server asks': [chat('r1'), ask('table'), commit, stop(), call('table', 'asks')],
  'a turn is stopped while a server asks': [chat('r1'), ask('table'), call('table', 'asks'), stop()],
  'an older server asks, and waits for the answer': [
    chat('r1'),
    ask('hall'),
    call('hall', 'asks'),
    approve,
    call('hall'),
    answer,
  ],
  'an older server asks, and does not wait': [
    chat('r1'),
    ask('hall'),
    call('hall', 'asks'),
    commit,
    call('hall'),
    answer,
  ],
  'nobody answers an older server in time': [
    chat('r1'),
    ask('hall'),
    call('hall', 'asks'),
    commit,
    call('hall', 'unanswered'),
    answer,
  ],
  'a turn is stopped while an older server asks': [chat('r1'), ask('hall'), call('hall', 'asks'), commit, stop()],
  'a restart while an older server asks': [chat('r1'), ask('hall'), call('hall', 'asks'), commit, crash, answer],
  'the provider is busy': [chat('r1'), fault('busy'), { do: 'wait' }, answer],
  'the provider refuses, another one answers': [chat('r1'), fault('refused'), answer],
  'the conversation is too long once': [chat('r1'), fault('long'), answer],
  'no provider answers': [chat('r1'), fault('refused'), fault('refused')],
  'the answer is cut': [chat('r1'), begin, fault('cut')],
  'a message waits for its turn': [chat('r1'), begin, chat('r2'), commit, answer, begin, answer],
  'a message comes as the turn ends': [chat('r1'), answer, chat('r2'), answer],
  'a message waits behind calls': [chat('r1'), ask('book'), chat('r2'), call('book'), answer, answer],
  'a message waits behind a question': [
    chat('r1'),
    chat('r2'),
    commit,
    ask('pay'),
    approve,
    call('pay'),
    answer,
    answer,
  ],
  'a message waits behind a busy provider': [
    chat('r1'),
    fault('busy'),
    chat('r2'),
    commit,
    { do: 'wait' },
    answer,
    answer,
  ],
  'a message interrupts': [chat('r1'), begin, chat('r2', 'interrupt'), commit, commit, begin, answer],
  'a waiting message is withdrawn': [chat('r1'), begin, chat('r2'), commit, stop('r2'), commit, commit, answer],
  'a waiting message is withdrawn as its turn comes': [
    chat('r1'),
    chat('r2'),
    commit,
    answer,
    stop('r2'),
    commit,
    chat('r1'),
  ],
  'a waiting message is withdrawn before the model is asked': [
    chat('r1'),
    chat('r2'),
    commit,
    commit,
    stop('r2'),
    commit,
    commit,
    answer,
  ],
  'a waiting message is withdrawn while calls run': [
    chat('r1'),
    chat('r2'),
    commit,
    ask('book'),
    stop('r2'),
    call('book'),
    answer,
  ],
  'the answer is stopped': [chat('r1'), begin, stop()],
  'the answer is stopped, and a message on its way too': [chat('r1'), begin, chat('r2'), stop(), stop('r2')],
  'running calls are stopped': [chat('r1'), ask('book', 'look'), call('look'), stop()],
  'a turn that waits for a person is stopped': [chat('r1'), ask('pay'), commit, stop()],
  'a restart in the middle of an answer': [chat('r1'), begin, crash, answer],
  'a restart in the middle of a call': [chat('r1'), ask('book'), commit, crash, answer],
  'a restart in the middle of an idempotent call': [chat('r1'), ask('look'), commit, crash, call('look'), answer],
  'a restart with one call running and one that waits for approval': [
    chat('r1'),
    ask('book', 'pay'),
    commit,
    crash,
    approve,
    call('pay'),
    answer,
  ],
  'a restart after a Stop of calls': [chat('r1'), ask('book'), commit, stop(), commit, crash],
  'a restart after a Stop': [chat('r1'), begin, stop(), commit, crash],
  'a message in the place of the first': [
    chat('r1'),
    answer,
    commit,
    { do: 'chat', id: 'r2', mode: 'queue', words: 'rewound' },
    answer,
  ],
  'a turn stands in line': [
    { do: 'crowd' },
    chat('r1'),
    commit,
    chat('r2'),
    commit,
    { do: 'makeRoom' },
    answer,
    answer,
  ],
  'approved calls stand in line': [
    chat('r1'),
    ask('pay', 'pay'),
    commit,
    { do: 'crowd' },
    { do: 'look' },
    approve,
    approveNext,
    commit,
    { do: 'makeRoom' },
    call('pay'),
    commit,
    call('pay'),
    answer,
  ],
  'the conversation is deleted': [chat('r1'), answer, commit, { do: 'delete' }],
  'the conversation is deleted while it answers': [chat('r1'), begin, { do: 'delete' }],
  'the conversation is deleted while a call runs': [chat('r1'), ask('book'), commit, { do: 'delete' }],
  'the server is drained': [chat('r1'), begin, { do: 'drain' }, answer],
};

/** The world after each move of a story, the first and all up to its rest included. Throws for one that cannot be told. */
export function worldsOf(story: readonly Move[], from = start): World[] {
  const { worlds, untold } = asFarAsPossible(story, from);
  if (untold) throw new Error(`no way to "${tell(untold)}" after: ${worlds.at(-1)?.path.map(tell).join(', ')}`);
  return worlds;
}

/** The same for a story that other limits may cut short; `untold` is the move that is no more possible. */
export function asFarAsPossible(story: readonly Move[], from: World): { worlds: World[]; untold: Move | null } {
  const worlds = [from];
  let world = from;
  const step = (move: Move) => worlds.push((world = play(world, move)));
  for (const move of story) {
    while (!isPossible(world, move)) {
      const needed = plumbing(world);
      if (needed === null) return { worlds: [...worlds, ...restOf(world)], untold: move };
      step(needed);
    }
    step(move);
  }
  return { worlds: [...worlds, ...restOf(world)], untold: null };
}

/** What follows in the kindest of worlds, until all that is left to do is a client's. */
export function restOf(world: World): World[] {
  const worlds: World[] = [];
  for (let at = world, move = kindMove(at); move !== null; move = kindMove(at)) worlds.push((at = play(at, move)));
  return worlds;
}

export function isPossible(world: World, move: Move): boolean {
  return possibleMoves(world).some((other) => JSON.stringify(other) === JSON.stringify(move));
}

function plumbing(world: World): Move | null {
  if (world.held.length > 0) return commit;
  return isReading(world) ? { do: 'read', works: true } : null;
}
