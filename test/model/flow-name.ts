/** Names a flow by its moves, without commits and other moves that no person notices. */
import { describeMove, type Move, type Stimulus } from '../proof/moves.ts';
import { applyMove } from '../proof/apply-move.ts';
import { stateOf, type Settings, type World } from '../proof/world.ts';

/**
 * Returns e.g. `asks, calls book and look, book succeeds, look times out, answers`. `apply` applies a move to a world.
 */
export function flowName(moves: readonly Move[], from: World, apply = applyMove): string {
  const words: string[] = [];
  let world = from;
  for (const move of moves) {
    const said = nameMove(move, world);
    if (said !== null) words.push(happensAnywhere(move) && world.path.length > 0 ? `${said} ${whereIn(world)}` : said);
    world = apply(world, move);
  }
  return words.join(', ');
}

function nameMove({ broken, ...stimulus }: Move, world: World): string | null {
  const said = nameStimulus(stimulus, world);
  return broken ? `${said ?? describeMove(stimulus)} and the store throws` : said;
}

function nameStimulus(move: Stimulus, { settings, conversation }: World): string | null {
  switch (move.do) {
    case 'commit':
      return move.together ? 'two commits land at once' : null;
    case 'read':
      return move.works ? null : 'the log cannot be read';
    case 'begin':
      return 'begins to answer';
    case 'chat': {
      if (move.words === 'other') return `sends another text as ${move.id}`;
      const asks =
        move.words === 'rewound' ? `asks ${move.id} in place of r1` : move.id === 'r1' ? 'asks' : `asks ${move.id}`;
      return { queue: asks, reject: `${asks} with mode reject`, interrupt: `${asks} and interrupts` }[move.mode];
    }
    case 'ask':
      return `calls ${move.tools.map((name) => asOffered(name, settings)).join(' and ')}${move.expensive ? ', dearly' : ''}${(conversation?.context.turn?.hops ?? 0) < settings.limits.maxToolHops ? '' : ' beyond the limit of hops'}`;
    case 'answer':
      return 'answers';
    case 'stop':
      return move.target === null
        ? 'is stopped'
        : move.target === 'unknown'
          ? 'a Stop of nothing comes'
          : `${move.target} is stopped`;
    case 'respond':
      return (
        { approve: 'is approved', deny: 'is denied' }[move.decision] +
        (move.always ? ' permanently' : '') +
        { first: '', next: ' (the second call)', late: ' (the second answer)' }[move.to]
      );
    case 'delete':
      return 'is deleted';
    default:
      return describeMove(move);
  }
}

function asOffered(name: string, { tools }: Settings): string {
  const tool = tools.get(name);
  return tool === undefined ? `${name} (unknown)` : tool.permission === 'never' ? `${name} (not allowed)` : name;
}

/**
 * Whether the name should say in which state the move happens: moves of people, the process or the store may happen in
 * any state.
 */
function happensAnywhere({ do: what, ...rest }: Move): boolean {
  if (what === 'respond') return 'to' in rest && rest.to === 'late';
  return !['ask', 'answer', 'empty', 'begin', 'fault', 'call', 'progress', 'wait', 'freePermit', 'expire'].includes(
    what,
  );
}

function whereIn(world: World): string {
  const state = stateOf(world);
  return state === 'asleep' ? 'without an actor' : `in ${state.replace('turn.', '')}`;
}
