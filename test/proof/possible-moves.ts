/**
 * Lists the moves that are possible in a world. Moves that only repeat an edge of a shorter path are left out, so that
 * the search over all worlds stays small. Does not know what a move does.
 */
import { pathOf } from './chart-step.ts';
import { applyMove } from './apply-move.ts';
import { isBenign, type Move, type Stimulus, type ToolName } from './moves.ts';
import { isReading, openQuestions, openTurns, stateOf, type World } from './world.ts';

/** Tool calls that the model may make in one answer. */
const ASKED: readonly (readonly ToolName[])[] = [
  ['book'],
  ['look'],
  ['fly'],
  ['pay'],
  ['book', 'look'],
  ['book', 'pay'],
  ['pay', 'pay'],
];
/** Tools whose servers ask people or run tasks. Questions and tasks are independent of the other calls, so no combination is tried. */
const ASKED_ALONE: readonly (readonly ToolName[])[] = [['table'], ['hall'], ['brew']];
const IDS = ['r1', 'r2', 'r3'] as const;

/** Uses up the budget of the turn. */
const expensive: Stimulus = { do: 'ask', tools: ['book'], expensive: true };

/** No edge needs more moves than this that are not benign. A *benign* move is one of a turn without any fault. */
const MAX_DEVIATIONS = 5;

export function possibleMoves(world: World): Move[] {
  if (world.deleted) return [];
  const moves =
    world.process === 'gone'
      ? crashes(world)
      : [storeMoves, modelMoves, toolMoves, progressMoves, clientMoves, timeMoves, processMoves].flatMap((movesOf) =>
          movesOf(world),
        );
  return moves.filter(
    (move) => (world.deviations < MAX_DEVIATIONS || isBenign(move)) && (!move.broken || appends(world, move)),
  );
}

/** Whether the move appends anything. Otherwise the store has nothing to throw at. */
function appends(world: World, { broken: _, ...move }: Move): boolean {
  return applyMove(world, move).outside.appends > world.outside.appends;
}

/** Next move of a world without faults; null when only a client can go on. */
export function nextBenignMove(world: World): Move | null {
  if (world.process === 'gone') return null;
  const moves = [
    ...storeMoves(world),
    ...endingMoves('running', world),
    ...endingMoves('waitingForTask', world),
    ...modelMoves(world),
    ...timeMoves(world),
  ].filter(isBenign);
  // The whole answer, without further tools.
  return (
    moves.find((move) => move.do !== 'begin' && move.do !== 'ask') ??
    (world.process === 'serving' && isAsking(world) ? { do: 'respond', decision: 'approve', to: 'first' } : null)
  );
}

/** Only a person can go on. */
function isAsking(world: World): boolean {
  return (
    stateOf(world) === 'turn.toolHop.waiting' ||
    (stateOf(world) === 'turn.toolHop.running' && openQuestions(world.log.rows()).length > 0)
  );
}

function storeMoves(world: World): Move[] {
  const [oldest, next] = world.held;
  const moves: Move[] = isReading(world)
    ? [
        { do: 'read', works: true },
        { do: 'read', works: false },
      ]
    : [];
  if (stateOf(world) === 'activating' && isReading(world)) moves.push({ do: 'read', works: true, broken: true });
  if (!oldest) return moves;
  moves.push({ do: 'commit', together: false }, { do: 'refuse', after: false });
  if (stateOf(world) === 'idle') moves.push({ do: 'commit', together: false, broken: true });
  // No event can be held while a Stop takes effect. What is to happen then has to come with its commit.
  if (next && oldest.intent.type === 'append' && oldest.intent.tag.of === 'cancel')
    moves.push({ do: 'commit', together: true }, { do: 'refuse', after: true });
  return moves;
}

function modelMoves(world: World): Move[] {
  if (world.conversation?.context.turn?.asking !== true) return [];
  if (world.begun) return [{ do: 'answer' }, { do: 'ask', tools: ['book'] }, { do: 'fault', how: 'cut' }];
  const isPlain = world.crashes === 0 && world.conversation.context.turn.hops === 0 && !isUsed(world, 'r2');
  const asks = (isPlain ? [...ASKED, ...ASKED_ALONE] : ASKED).map((tools): Stimulus => ({ do: 'ask', tools }));
  return [
    { do: 'begin' },
    { do: 'answer' },
    { do: 'answer', broken: true },
    { do: 'empty' },
    { do: 'empty', broken: true },
    ...asks,
    ...(isPlain ? [expensive] : []),
    { do: 'ask', tools: ['book'], broken: true },
    { do: 'fault', how: 'busy' },
    { do: 'fault', how: 'refused' },
    { do: 'fault', how: 'long' },
  ];
}

type CallPath = 'running' | 'asking' | 'waitingForTask';

function toolsThat(path: CallPath, { settings, calls }: World): ToolName[] {
  const isThere = (tool: ToolName) =>
    [...calls.values()].some(({ value, context }) => context.tool.name === tool && pathOf(value) === path);
  return [...settings.tools.keys()].filter(isThere);
}

/** The states of calls in which the servers of these tools ask people. */
const ASKING_PATHS: Readonly<Record<string, CallPath>> = { table: 'running', hall: 'running', brew: 'waitingForTask' };

/** Each call asks once: a second question would show nothing new. */
function mayAsk({ calls, held, log }: World, tool: ToolName): boolean {
  const askingPath = ASKING_PATHS[tool];
  if (askingPath === undefined) return false;
  const rows = [...log.rows(), ...held.flatMap(({ intent }) => (intent.type === 'append' ? intent.rows : []))];
  const hasAsked = (callId: string) =>
    rows.some((row) => row.extra['kind'] === 'elicitation_request' && row.tool_call_id === callId);
  return [...calls.values()].some(
    ({ context, value }) => context.tool.name === tool && pathOf(value) === askingPath && !hasAsked(context.callId),
  );
}

function progressMoves(world: World): Move[] {
  return (['running', 'asking', 'waitingForTask'] as const)
    .flatMap((path) => toolsThat(path, world))
    .map((tool) => ({ do: 'progress', tool }));
}

function toolMoves(world: World): Move[] {
  return (['running', 'asking', 'waitingForTask'] as const).flatMap((path) => endingMoves(path, world));
}

/** Where the time of a call may run out. */
const TIMEOUTS = { running: 'late', asking: 'unanswered', waitingForTask: 'overdue' } as const;

function endingMoves(path: CallPath, world: World): Move[] {
  return toolsThat(path, world).flatMap((tool): Move[] => [
    ...(mayAsk(world, tool) ? [{ do: 'call', tool, ends: 'asks' } as const] : []),
    { do: 'call', tool, ends: 'ok' },
    ...(path === 'running' ? [{ do: 'call', tool, ends: 'ok', broken: true } as const] : []),
    { do: 'call', tool, ends: 'lost' },
    { do: 'call', tool, ends: 'error' },
    { do: 'call', tool, ends: TIMEOUTS[path] },
    ...(path === 'running' && tool === 'brew' ? [{ do: 'call', tool, ends: 'task' } as const] : []),
  ]);
}

function clientMoves(world: World): Move[] {
  if (world.process === 'draining') return world.conversation === null ? [] : [{ do: 'stop', target: null }];
  const used = IDS.filter((id) => isUsed(world, id));
  const fresh = IDS[used.length];
  const moves: Move[] = [
    { do: 'stop', target: null },
    { do: 'stop', target: 'unknown' },
  ];
  for (const id of used.slice(1)) moves.push({ do: 'stop', target: id });
  if (used.length > 0)
    moves.push(
      { do: 'chat', id: 'r1', mode: 'queue', words: 'own' },
      { do: 'chat', id: 'r1', mode: 'queue', words: 'other' },
    );
  if (fresh !== undefined && world.log.rowsOf('r1').length > 0)
    moves.push({ do: 'chat', id: fresh, mode: 'queue', words: 'rewound' });
  if (fresh !== undefined && (fresh === 'r1' || hasOpenTurn(world))) {
    moves.push(
      { do: 'chat', id: fresh, mode: 'queue', words: 'own' },
      { do: 'chat', id: fresh, mode: 'queue', words: 'own', broken: true },
    );
    if (fresh !== 'r1')
      moves.push(
        { do: 'chat', id: fresh, mode: 'reject', words: 'own' },
        { do: 'chat', id: fresh, mode: 'interrupt', words: 'own' },
      );
  }
  if (world.log.rows().length > 0) moves.push({ do: 'delete' });
  const open = openQuestions(world.log.rows());
  const questions = open.length;
  if (questions > 1) moves.push({ do: 'respond', decision: 'approve', to: 'next' });
  if (questions > 0) {
    moves.push({ do: 'respond', decision: 'approve', to: 'first' }, { do: 'respond', decision: 'deny', to: 'first' });
    if (open[0]?.ofServer === false) moves.push({ do: 'respond', decision: 'approve', to: 'first', always: true });
    if (world.lookedUp === null) moves.push({ do: 'lookUp' });
  }
  if (world.lookedUp !== null) moves.push({ do: 'respond', decision: 'approve', to: 'late' });
  return moves;
}

/** In the log, or on its way there. */
function isUsed(world: World, id: string): boolean {
  const { arriving = [], deferred = [] } = world.conversation?.context ?? {};
  return (
    world.log.rowsOf(id).length > 0 ||
    world.held.some(({ intent }) => intent.type === 'append' && intent.begin?.requestId === id) ||
    [...arriving, ...deferred].some((event) => event.type === 'client.chat' && event.requestId === id)
  );
}

function hasOpenTurn(world: World): boolean {
  return (
    openTurns(world).length > 0 ||
    world.held.some(({ intent }) => intent.type === 'append' && intent.begin !== undefined)
  );
}

function timeMoves(world: World): Move[] {
  const moves: Move[] = [];
  const state = stateOf(world);
  if (state === 'turn.backingOff') moves.push({ do: 'wait' });
  if (world.permitTaken) moves.push({ do: 'freePermit' });
  else if (world.path.length === 0 || (state === 'turn.toolHop.waiting' && world.held.length === 0))
    moves.push({ do: 'takePermit' });
  if (world.process === 'draining') return moves;
  if (openTurns(world).some(({ waits }) => waits)) moves.push({ do: 'expire' });
  // The registry asks only idle conversations.
  if ((state === 'idle' || state === 'turn.toolHop.waiting') && world.held.length === 0)
    moves.push({ do: 'passivate' });
  return moves;
}

function processMoves(world: World): Move[] {
  const moves = crashes(world);
  if (world.process === 'serving' && world.conversation !== null) moves.push({ do: 'drain' });
  if (world.process === 'draining' && world.conversation !== null) moves.push({ do: 'halt' });
  return moves;
}

/** One restart shows from what a log is recovered. A second one would be the same again. */
function crashes({ crashes, permitTaken, log }: World): Move[] {
  return crashes === 0 && !permitTaken && log.rows().length > 0 ? [{ do: 'crash' }] : [];
}
