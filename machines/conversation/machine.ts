/**
 * The conversation statechart: one root actor a conversation, one turn at a time. It decides what
 * happens next and what is written; the world is reached through actors and emitted facts alone.
 * Every durable thing a client is told is a row that this chart appended and the log committed.
 */
import { conversation } from './actions/turn.ts';
import { turn } from './turn.ts';

/** What each state is for stands in its description. All final states refuse what still waits, and a new actor starts from the log. */
export const conversationMachine = conversation.createMachine({
  id: 'conversation',
  description:
    'One conversation: one turn at a time, from its message to its end, with tool hops between. Whatever it tells a client is a row that is committed first.',
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
    'client.delete': { target: '.deleting', actions: 'takeDeleter' },
    'conversation.halt': '.stopped',
    'conversation.fail': '.failed',
  },
  states: {
    activating: {
      tags: ['chat', 'cancel'],
      description: 'Folds the log into where the last turn stands; client events wait.',
      invoke: {
        id: 'log',
        src: 'readLog',
        input: ({ context: { conversationId, owner } }) => ({ conversationId, owner }),
        onDone: { target: 'recovering', actions: 'takeStanding' },
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
        'A turn was cut off: idempotent calls are made once more, others without outcome are closed, then it goes on or ends.',
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
          { guard: 'isRecovery', target: '#inLine', actions: 'resumeInterrupted' },
        ],
        'log.failed': 'failed',
        'conversation.drain': { actions: 'stopWhenIdle' },
        'conversation.passivate': {},
      },
    },
    idle: {
      id: 'idle',
      tags: ['chat'],
      description: 'No turn runs. What waits is begun at once; with nothing to do the conversation may leave memory.',
      always: [
        { guard: 'stopIsNext', target: 'stopped' },
        { guard: 'turnIsNext', target: '#inLine', actions: 'startNext' },
        { guard: 'someMayBeHeard', actions: 'raiseDeferred' },
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
        'Its owner wants it gone: nothing is begun any more, and its log goes when all that was written to it has landed.',
      entry: ['stopWork', 'removeLog'],
      on: {
        'client.chat': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'client.cancel': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'client.respond': [{ guard: 'tooManyDeferred', actions: 'refuseFullQueue' }, { actions: 'defer' }],
        'client.delete': [{ guard: 'tooManyDeleters', actions: 'refuseFullQueue' }, { actions: 'takeDeleter' }],
        'log.removed': { target: 'deleted', actions: 'confirmRemoval' },
        'log.failed': { guard: 'isRemoval', target: 'failed', actions: 'refuseDeleters' },
        'conversation.drain': {},
        'conversation.passivate': {},
      },
    },
    deleted: {
      description: 'The log is gone, and those who asked were told.',
      type: 'final',
      entry: 'refuseAsDeleted',
    },
    failed: {
      id: 'failed',
      description:
        'The log could not be read or written, or a part beside the chart threw. The next frame reopens the conversation from it.',
      type: 'final',
      entry: ['refuseAsFailed', 'reportFailure'],
    },
    stopped: {
      id: 'stopped',
      description:
        'Ended because it was told to, or to leave memory. The next frame opens the conversation from its log.',
      type: 'final',
      entry: 'refuseAsStopped',
    },
  },
});
