/**
 * Defines the states of a turn: receive the message, load the context, stream the answer, hop through tools, persist.
 * A cancel that arrives while a commit decides what comes next waits for that commit. In every other state it takes
 * effect at once.
 */
import { conversation } from './actions/turn-actions.ts';
import { providerAt } from './state-updates.ts';

/** A cancel of a queued turn, or of a turn whose message is being committed. It never affects the running turn. */
const cancelOfQueuedTurn = [
  { guard: 'targetsQueuedTurn', actions: 'withdraw' },
  { guard: 'tooManyDeferred', actions: 'refuseFullQueue' },
  { guard: 'targetsArrivingMessage', actions: 'defer' },
  { actions: 'replyNothingRunning' },
] as const;

/** A cancel that arrives during a commit is handled as soon as the commit is decided. */
const deferUntilCommitted = {
  'client.cancel': [
    { guard: 'tooManyDeferred', actions: 'refuseFullQueue' },
    { guard: 'targetsRunningTurn', actions: 'defer' },
    ...cancelOfQueuedTurn,
  ],
} as const;

/**
 * A response to an interrupt that is not open. The log is searched for its decision: at once if no call has this
 * interrupt, else after the decision's commit.
 */
const responseToOtherInterrupt = [
  { guard: 'answersNoInterrupt', actions: 'replyLate' },
  { guard: 'tooManyDeferred', actions: 'refuseFullQueue' },
  { actions: 'defer' },
] as const;

/** A person responds to an open interrupt, or the interrupt expires. */
const onResponse = {
  'client.respond': [{ guard: 'answersOpenInterrupt', actions: 'appendResponse' }, ...responseToOtherInterrupt],
  'conversation.expire': { guard: 'timeIsUp', actions: 'appendExpiry' },
} as const;

const receiving = conversation.createStateConfig({
  description: 'The message is being committed. The client is promised nothing before.',
  on: {
    'client.chat': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
    'client.cancel': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
    'log.committed': { guard: 'isMessage', target: '#idle', actions: 'admit' },
    'log.failed': { guard: 'isMessage', target: '#idle', actions: 'refuseUnstored' },
  },
});

const queued = conversation.createStateConfig({
  description: 'All permits are in use by turns of other conversations. This turn waits for one.',
  invoke: {
    id: 'permit',
    src: 'permit',
    input: ({ context: { conversationId, owner } }) => ({ conversationId, owner }),
    onDone: '#failed',
    onError: '#failed',
  },
  on: {
    'permit.granted': [
      { guard: 'hasCalls', target: '#runningCalls', actions: ['startTurnTime', 'raiseDeferred'] },
      { target: 'loadingContext', actions: ['startTurnTime', 'raiseDeferred'] },
    ],
    'permit.awaited': { actions: 'noticeQueued' },
    'conversation.drain': '#stopped',
  },
});

/** Not in a state whose commit decides what comes next: the state after it has this transition. */
const endsIfOverdue = { guard: 'isOverdue', target: '#timingOut' } as const;

const loadingContext = conversation.createStateConfig({
  description:
    'Builds the window of past turns and fixes the list of tools for this hop. A turn whose budget is spent ends here.',
  always: endsIfOverdue,
  invoke: {
    id: 'context',
    src: 'loadContext',
    input: ({ context: { conversationId, owner, turn, limits } }) => ({
      conversationId,
      owner,
      requestId: turn?.requestId ?? '',
      provider: providerAt(limits, turn?.provider ?? 0),
      budgetTokens: turn?.shorter?.budgetTokens ?? null,
      isFirst:
        turn !== null && turn.hops + turn.attempt + turn.provider + turn.emptyAnswers === 0 && turn.shorter === null,
    }),
    onDone: [
      { guard: 'budgetIsSpent', target: 'persisting', actions: 'failBudget' },
      { target: 'streaming', actions: 'pinContext' },
    ],
    onError: { target: 'persisting', actions: 'failContext' },
  },
});

const streaming = conversation.createStateConfig({
  description: 'The model answers. Its deltas go straight to the followers. The chart sees only the end.',
  entry: 'ask',
  always: endsIfOverdue,
  after: { longestAnswer: { target: '#timingOut', actions: 'failAnswerTime' } },
  on: {
    'answer.finished': [
      { guard: 'asksForTools', target: 'toolHop', actions: 'takeAnswer' },
      { guard: 'mayAskOnceMore', target: 'askingAgain', actions: 'takeAnswer' },
      { guard: 'answersNothing', target: 'persisting', actions: ['takeAnswer', 'failEmpty'] },
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
  description: 'The provider failed before any text was shown. The chart waits, then asks it again.',
  always: endsIfOverdue,
  after: { backoff: 'loadingContext' },
});

const askingAgain = conversation.createStateConfig({
  description:
    'The answer has no text and no tool call. It is committed, so that a restart does not ask again and again. Then the model is asked once more.',
  entry: 'appendEmptyAnswer',
  on: {
    ...deferUntilCommitted,
    'log.committed': {
      guard: 'isEmptyAnswer',
      target: 'loadingContext',
      actions: ['countEmptyAnswer', 'raiseDeferred'],
    },
  },
});

const toolHop = conversation.createStateConfig({
  description: 'The model has asked for tools. There is no way from an open call back to the model.',
  initial: 'recording',
  states: {
    recording: {
      description: 'One commit holds the assistant message and the decision on each call, before any call is made.',
      entry: 'appendHop',
      on: {
        ...deferUntilCommitted,
        'log.committed': { guard: 'isHop', target: 'running', actions: ['countHop', 'raiseDeferred'] },
      },
    },
    running: {
      id: 'runningCalls',
      description: 'One actor per call, in parallel up to the limit. Each result is committed when it arrives.',
      entry: 'startCalls',
      always: [
        endsIfOverdue,
        { guard: 'allCallsSettled', target: 'settling' },
        { guard: 'onlyPeopleAreAwaited', target: 'waiting' },
      ],
      on: {
        ...onResponse,
        // The time of people does not count, also of a call that its server keeps open for them.
        'turn.overdue': [{ guard: 'peopleAreAwaited', actions: 'startTurnTime' }, { actions: 'failTurnTime' }],
        'call.needsInput': { actions: ['appendServerRequest', 'startCalls'] },
        'call.becameTask': { actions: 'appendTask' },
        'call.settled': [
          { guard: 'mayRepeatCall', actions: 'repeatCall' },
          { actions: ['recordResult', 'startCalls'] },
        ],
        'log.committed': [
          { guard: 'isResult', actions: 'markRecorded' },
          { guard: 'isQuestion', actions: 'confirmQuestion' },
          { guard: 'isTask', actions: 'confirmTask' },
          { guard: 'isRepeat', actions: ['readyRepeat', 'startCalls'] },
          { guard: 'isResponse', actions: ['confirmResponse', 'startCalls', 'raiseDeferred'] },
        ],
      },
    },
    waiting: {
      id: 'waitingForPeople',
      description:
        'Every open call waits for a person. The conversation may leave memory. A response, or the end of the time to respond, reopens it.',
      entry: ['returnPermit', 'stopTurnTime'],
      always: { guard: 'mayStopInstead', target: '#stopped' },
      on: {
        ...onResponse,
        'log.committed': { guard: 'isResponse', target: '#queued', actions: 'confirmResponse' },
        'conversation.drain': [{ guard: 'mayPassivate', target: '#stopped' }, { actions: 'stopWhenIdle' }],
        'conversation.passivate': { guard: 'mayPassivate', target: '#stopped' },
      },
    },
    settling: {
      description: 'Waits until every result is committed. Then the model is asked again.',
      always: { guard: 'allCallsRecorded', target: '#loadingContext', actions: 'raiseDeferred' },
      on: { ...deferUntilCommitted, 'log.committed': { guard: 'isResult', actions: 'markRecorded' } },
    },
  },
});

const cancelling = conversation.createStateConfig({
  description: 'A cancel, or a message that interrupts, ends the turn. The text that was streamed is kept.',
  initial: 'recording',
  on: {
    'client.cancel': [
      { guard: 'tooManyCancels', actions: 'refuseFullQueue' },
      { guard: 'targetsRunningTurn', actions: 'joinCancel' },
      ...cancelOfQueuedTurn,
    ],
    'answer.finished': { actions: 'takeAnswer' },
    'answer.failed': { actions: 'takeAnswer' },
    'call.needsInput': { actions: 'dropQuestion' },
    // The cancel of the call cancels its task.
    'call.becameTask': {},
    'call.settled': { actions: 'recordResult' },
  },
  states: {
    recording: {
      description: 'The cancel is committed before anything acts on it. Work goes on until then.',
      on: {
        'log.committed': [
          { guard: 'isCancel', target: 'stopping', actions: 'confirmCancel' },
          { guard: 'isQuestion', actions: 'confirmQuestion' },
        ],
      },
    },
    stopping: {
      description: 'The stream and the calls are stopped. Each reports how far it got.',
      entry: 'stopWork',
      always: { guard: 'isQuiet', target: '#persisting' },
    },
  },
});

const timingOut = conversation.createStateConfig({
  description:
    'The answer or the turn has reached its longest time. The stream and the calls are stopped. The text that was streamed is kept.',
  entry: 'stopWork',
  always: { guard: 'isQuiet', target: '#persisting' },
  on: {
    'answer.finished': { actions: 'takeAnswer' },
    'answer.failed': { actions: 'takeAnswer' },
    'call.needsInput': { actions: 'dropQuestion' },
    'call.settled': { actions: 'recordResult' },
    'log.committed': { guard: 'isQuestion', actions: 'confirmQuestion' },
  },
});

const persisting = conversation.createStateConfig({
  description: 'The answer and the end of the turn are committed together.',
  entry: ['stopTurnTime', 'appendEnd'],
  on: {
    ...deferUntilCommitted,
    'log.committed': { guard: 'isEndOfTurn', target: '#idle', actions: ['forgetTurn', 'returnPermit'] },
  },
});

/** The state `turn` of the conversation chart. */
export const turn = conversation.createStateConfig({
  description: 'A turn runs, from its message to its end. Further messages wait, are rejected or interrupt.',
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
      ...cancelOfQueuedTurn,
    ],
    'client.respond': responseToOtherInterrupt,
    'log.committed': [
      { guard: 'isMessage', actions: ['admit', 'raiseDeferred'] },
      { guard: 'isWithdrawal', actions: 'endWithdrawn' },
      { guard: 'isResponse', actions: 'confirmResponse' },
    ],
    'log.failed': [
      { guard: 'isMessage', actions: 'refuseUnstored' },
      { guard: 'isResponse', actions: 'reopenInterrupt' },
      { target: '#failed' },
    ],
    'turn.overdue': { actions: 'failTurnTime' },
    'conversation.drain': { actions: 'stopWhenIdle' },
    'conversation.passivate': {},
  },
  states: {
    receiving,
    queued: { id: 'queued', ...queued },
    loadingContext: { id: 'loadingContext', ...loadingContext },
    streaming,
    backingOff,
    askingAgain,
    toolHop,
    cancelling,
    timingOut: { id: 'timingOut', ...timingOut },
    persisting: { id: 'persisting', ...persisting },
  },
});
