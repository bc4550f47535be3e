/**
 * The turn: receive, load the context, stream the answer, hop through tools, persist.
 * While a commit decides what comes next, a Stop waits for it (the time of one commit);
 * anywhere else it takes effect at once.
 */
import { conversation } from './actions/turn.ts';
import { ofOtherQuestions, ofWaitingTurns, waitForCommit } from './handlers.ts';
import { toolHop } from './tool-hop.ts';

const receiving = conversation.createStateConfig({
  description: 'The message is being committed; nothing is promised before.',
  on: {
    'client.chat': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
    'client.cancel': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
    'log.committed': { guard: 'isMessage', target: '#idle', actions: 'admit' },
    'log.failed': { guard: 'isMessage', target: '#idle', actions: 'refuseUnstored' },
  },
});

const inLine = conversation.createStateConfig({
  description: 'As many turns as may be are at work in other conversations; this one waits for a permit.',
  invoke: {
    id: 'permit',
    src: 'permit',
    input: ({ context: { conversationId, owner } }) => ({ conversationId, owner }),
    onDone: '#failed',
    onError: '#failed',
  },
  on: {
    'permit.granted': [
      { guard: 'hasCalls', target: '#runningCalls', actions: 'raiseDeferred' },
      { target: 'loadingContext', actions: 'raiseDeferred' },
    ],
    'permit.awaited': { actions: 'noticeLine' },
    'conversation.drain': '#stopped',
  },
});

const loadingContext = conversation.createStateConfig({
  description:
    'Builds the window of past turns and pins the tool catalogue for this hop; a turn whose budget is spent ends here.',
  invoke: {
    id: 'context',
    src: 'loadContext',
    input: ({ context: { conversationId, owner, turn } }) => ({
      conversationId,
      owner,
      requestId: turn?.requestId ?? '',
      budgetTokens: turn?.shorter?.budgetTokens ?? null,
      isFirst: turn !== null && turn.hops + turn.attempt + turn.provider === 0 && turn.shorter === null,
    }),
    onDone: [
      { guard: 'budgetIsSpent', target: 'persisting', actions: 'failBudget' },
      { target: 'streaming', actions: 'pinContext' },
    ],
    onError: { target: 'persisting', actions: 'failContext' },
  },
});

const streaming = conversation.createStateConfig({
  description: 'The model answers. Its deltas go straight to the followers; the chart sees the end.',
  entry: 'ask',
  on: {
    'answer.finished': [
      { guard: 'asksForTools', target: 'toolHop', actions: 'takeAnswer' },
      { target: 'persisting', actions: 'takeAnswer' },
    ],
    'answer.failed': [
      { guard: 'mayRetry', target: 'backingOff', actions: ['takeAnswer', 'backOff'] },
      { guard: 'mayShorten', target: 'loadingContext', actions: ['takeAnswer', 'shorten'] },
      { guard: 'mayFallBack', target: 'loadingContext', actions: ['takeAnswer', 'fallBack'] },
      { target: 'persisting', actions: ['takeAnswer', 'takeFault'] },
    ],
  },
});

const backingOff = conversation.createStateConfig({
  description: 'The provider failed before anything was shown; it is asked again after a wait.',
  after: { backoff: 'loadingContext' },
});

const cancelling = conversation.createStateConfig({
  description: 'A Stop, or a message that interrupts, ends the turn. What was streamed is kept.',
  initial: 'recording',
  on: {
    'client.cancel': [
      { guard: 'tooManyAskers', actions: 'refuseFullQueue' },
      { guard: 'targetsRunningTurn', actions: 'joinCancel' },
      ...ofWaitingTurns,
    ],
    'answer.finished': { actions: 'takeAnswer' },
    'answer.failed': { actions: 'takeAnswer' },
    'call.needsInput': { actions: 'dropQuestion' },
    'call.settled': { actions: 'recordResult' },
  },
  states: {
    recording: {
      description: 'The Stop is committed before anything acts on it; work goes on until then.',
      on: {
        'log.committed': [
          { guard: 'isCancel', target: 'stopping', actions: 'confirmCancel' },
          { guard: 'isQuestion', actions: 'confirmQuestion' },
        ],
      },
    },
    stopping: {
      description: 'The stream and the calls are told to stop and report how far they got.',
      entry: 'stopWork',
      always: { guard: 'isQuiet', target: '#persisting' },
    },
  },
});

const persisting = conversation.createStateConfig({
  description: 'What was answered and the end of the turn are committed together.',
  entry: 'appendEnd',
  on: {
    ...waitForCommit,
    'log.committed': { guard: 'isEndOfTurn', target: '#idle', actions: ['forgetTurn', 'returnPermit'] },
  },
});

export const turn = conversation.createStateConfig({
  description: 'A turn runs, from its message to its end. Further messages wait, are refused or interrupt.',
  tags: ['chat', 'cancel'],
  initial: 'receiving',
  on: {
    'client.chat': [
      { guard: 'repeatsOpenTurn', actions: 'appendMessage' },
      { guard: 'mayNotRewind', actions: 'refuseRewind' },
      { guard: 'refusesToQueue', actions: 'refuseBusy' },
      { guard: 'queueIsFull', actions: 'refuseFullQueue' },
      { actions: 'appendMessage' },
    ],
    'client.cancel': [
      { guard: 'targetsRunningTurn', target: '.cancelling', actions: 'appendCancel' },
      ...ofWaitingTurns,
    ],
    'client.respond': ofOtherQuestions,
    'log.committed': [
      { guard: 'isMessage', actions: ['admit', 'raiseDeferred'] },
      { guard: 'isWithdrawal', actions: 'endWithdrawn' },
      { guard: 'isResponse', actions: 'confirmResponse' },
    ],
    'log.failed': [
      { guard: 'isMessage', actions: 'refuseUnstored' },
      { guard: 'isResponse', actions: 'takeBackResponse' },
      { target: '#failed' },
    ],
    'conversation.drain': { actions: 'stopWhenIdle' },
    'conversation.passivate': {},
  },
  states: {
    receiving,
    inLine: { id: 'inLine', ...inLine },
    loadingContext: { id: 'loadingContext', ...loadingContext },
    streaming,
    backingOff,
    toolHop,
    cancelling,
    persisting: { id: 'persisting', ...persisting },
  },
});
