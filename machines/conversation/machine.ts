/**
 * Defines the conversation statechart: one root actor per conversation, one turn at a time. The chart decides what
 * happens next and what is written. It reaches the world only through actors and emitted effects. Every durable fact
 * that a client receives is a row that this chart appended and the log committed.
 */
import { conversation } from './actions/turn-actions.ts';
import { turn } from './turn.ts';

/** Each state has a description. Every final state rejects the requests that still wait. A new actor starts from the log. */
export const conversationMachine = conversation.createMachine({
  id: 'conversation',
  description:
    'One conversation: one turn at a time, from its message to its end, with tool hops between. Everything durable that it sends to a client is a committed row.',
  context: ({ input }) => ({
    ...input,
    deferred: [],
    arriving: [],
    queue: [],
    deleters: [],
    turn: null,
    interrupted: null,
    stopped: [],
    remembered: [],
    spent: { tokens: 0, cost: 0 },
  }),
  initial: 'activating',
  on: {
    'client.delete': { target: '.deleting', actions: 'addDeleter' },
    'conversation.halt': '.stopped',
    'conversation.fail': '.failed',
  },
  states: {
    activating: {
      tags: ['chat', 'cancel'],
      description: 'Folds the log into the state of the last turn. Client events wait.',
      invoke: {
        id: 'log',
        src: 'readLog',
        input: ({ context: { conversationId, owner } }) => ({ conversationId, owner }),
        onDone: { target: 'recovering', actions: 'restoreState' },
        onError: 'failed',
      },
      on: {
        'client.chat': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'client.cancel': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'client.respond': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'conversation.drain': 'stopped',
        'conversation.passivate': {},
      },
    },
    recovering: {
      tags: ['chat', 'cancel'],
      description:
        'A crash or restart cut off a turn. Tasks of servers go on, idempotent calls are repeated once, other calls without a result are closed. Then the turn goes on or ends.',
      always: [
        { guard: 'nothingInterrupted', target: 'idle' },
        {
          guard: 'interruptedTurnOnlyWaits',
          target: '#waitingForPeople',
          actions: ['resumeInterrupted', 'raiseDeferred'],
        },
      ],
      entry: 'appendRecovery',
      on: {
        'client.chat': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'client.cancel': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'client.respond': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'log.committed': [
          { guard: 'interruptedTurnIsOver', target: 'idle', actions: 'forgetInterrupted' },
          { guard: 'isRecovery', target: '#queued', actions: 'resumeInterrupted' },
        ],
        'log.failed': 'failed',
        'conversation.drain': { actions: 'stopWhenIdle' },
        'conversation.passivate': {},
      },
    },
    idle: {
      id: 'idle',
      tags: ['chat'],
      description: 'No turn runs. A queued turn starts at once. Without one, the conversation may leave memory.',
      always: [
        { guard: 'stopIsNext', target: 'stopped' },
        { guard: 'turnIsNext', target: '#queued', actions: 'startNext' },
        { guard: 'mayRaiseDeferred', actions: 'raiseDeferred' },
      ],
      on: {
        'client.chat': { target: 'turn', actions: 'appendMessage' },
        'client.cancel': [{ guard: 'targetsArrivingMessage', actions: 'defer' }, { actions: 'replyNothingRunning' }],
        'client.respond': { actions: 'replyLate' },
        'log.committed': [
          { guard: 'isMessage', actions: 'admit' },
          { guard: 'isWithdrawal', actions: 'endWithdrawn' },
        ],
        'log.failed': [{ guard: 'isMessage', actions: 'refuseUnstored' }, { target: 'failed' }],
        'conversation.drain': 'stopped',
        'conversation.passivate': { guard: 'nothingArrives', target: 'stopped' },
      },
    },
    turn,
    deleting: {
      description:
        'The owner deletes the conversation. Nothing new begins. The log is removed once all earlier appends are committed.',
      entry: ['stopWork', 'removeLog'],
      on: {
        'client.chat': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'client.cancel': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'client.respond': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'client.delete': [{ guard: 'tooManyDeleters', actions: 'refuseFullQueue' }, { actions: 'addDeleter' }],
        'log.removed': { target: 'deleted', actions: 'confirmRemoval' },
        'log.failed': { guard: 'isRemoval', target: 'failed', actions: 'refuseDeleters' },
        'conversation.drain': {},
        'conversation.passivate': {},
      },
    },
    deleted: {
      description: 'The log is removed, and every delete request is answered.',
      type: 'final',
      entry: 'refuseAsDeleted',
    },
    failed: {
      id: 'failed',
      description:
        'The log could not be read or written, or code beside the chart threw. The next frame reopens the conversation from its log.',
      type: 'final',
      entry: ['refuseAsFailed', 'reportFailure'],
    },
    stopped: {
      id: 'stopped',
      description:
        'The actor ended on request: a shutdown or a passivation. The next frame opens the conversation from its log.',
      type: 'final',
      entry: 'refuseAsStopped',
    },
  },
});
