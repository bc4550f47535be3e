/** The moves of a flow as people would tell it: what nobody does on purpose, such as a commit, is left out. */
import { describeMove, type Move, type Stimulus } from '../proof/moves.ts';
import { applyMove } from '../proof/apply-move.ts';
import { stateOf, type Settings, type World } from '../proof/world.ts';

/** `asks, calls book and look, book succeeds, look times out, answers`. `apply`: what each of them does. */
export function flowName(moves: readonly Move[], from: World, apply = applyMove): string {
  const told: string[] = [];
  let world = from;
  for (const move of moves) {
    const said = describe(move, world);
    if (said !== null) told.push(happensAnywhere(move) && world.path.length > 0 ? `${said} ${whereIn(world)}` : said);
    world = apply(world, move);
  }
  return told.join(', ');
}

function describe({ broken, ...stimulus }: Move, world: World): string | null {
  const said = describeStimulus(stimulus, world);
  return broken ? `${said ?? describeMove(stimulus)} and the store throws` : said;
}

function describeStimulus(move: Stimulus, { settings, conversation }: World): string | null {
  switch (move.do) {
    case 'commit':
      return move.together ? 'two commits land at once' : null;
    case 'read':
      return move.works ? null : 'the log cannot be read';
    case 'begin':
      return 'begins to answer';
    case 'chat': {
      if (move.words === 'other') return `asks something else as ${move.id}`;
      const asks =
        move.words === 'rewound' ? `asks ${move.id} in place of r1` : move.id === 'r1' ? 'asks' : `asks ${move.id}`;
      return { queue: asks, reject: `${asks} or else not`, interrupt: `${asks} and interrupts` }[move.mode];
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
        (move.always ? ' for good' : '') +
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

/** What people do, the process or the store: it matters when. The model and its tools have their time. */
function happensAnywhere({ do: what, ...rest }: Move): boolean {
  if (what === 'respond') return 'to' in rest && rest.to === 'late';
  return !['ask', 'answer', 'begin', 'fault', 'call', 'progress', 'wait', 'freePermit', 'expire'].includes(what);
}

function whereIn(world: World): string {
  const state = stateOf(world);
  return state === 'asleep' ? 'while nobody is awake' : `in ${state.replace('turn.', '')}`;
}
