/**
 * Decides when a batch is committed, when the log is swept, when a failed commit is retried, and when the disk counts as
 * broken. The appends wait in a queue outside the chart; the chart only knows that some are queued. It sees no row, no
 * SQL and no callback.
 */
import { assign, cancel, fromCallback, fromPromise, raise, setup, type EventObject } from 'xstate';
import { providedAtBoot } from './provided-at-boot.ts';
import {
  storageProblemIn,
  type CommittedBatch,
  type KnownProblem,
  type StorageProblem,
  type SweepDelaysMs,
  type WriterContext,
  type WriterEvent,
  type WriterInput,
} from './writer-types.ts';

/** Three retries within 2.6 s: longer than a checkpoint or a backup's lock, shorter than users wait. */
const defaultRetryDelaysMs = [100, 500, 2000] as const;

/** `/ready` reports a moved file within this time. A check costs a few µs. */
const defaultCheckDelayMs = 1000;

const defaultSweepDelaysMs: SweepDelaysMs = { first: 2000, betweenSlices: 20, betweenRounds: 300_000 };

/** The description of each state says what it is for. */
export const writerMachine = setup({
  types: {
    context: {} as WriterContext,
    events: {} as WriterEvent,
    input: {} as WriterInput | undefined,
  },
  actors: {
    /** Sends the queue's events. Runs as long as the writer and never ends by itself. */
    queueListener: fromCallback<EventObject>(providedAtBoot),
    /** Rejects when the file must not be served: see src/store/file/file-checks.ts. */
    openDatabase: fromPromise<void>(providedAtBoot),
    /** Commits one batch of queued appends, or tests whether the file can be written if none are queued. Rejects when appends were requeued. */
    commitBatch: fromPromise<CommittedBatch, KnownProblem>(providedAtBoot),
    /** Runs one slice of the sweep, a few ms. True while its round is not over. */
    sweepSlice: fromPromise<boolean>(providedAtBoot),
    reopenDatabase: fromPromise<void, KnownProblem>(providedAtBoot),
    /** Rejects if the path leads to another file than the one that is served. */
    checkFile: fromPromise<void>(providedAtBoot),
    /** Rejects all queued appends with `storage_failed`. */
    rejectQueued: fromPromise<void, { problem: StorageProblem }>(providedAtBoot),
    closeDatabase: fromPromise<void>(providedAtBoot),
  },
  actions: {
    noteQueued: assign({ queued: true }),
    clearQueued: assign({ queued: false }),
    /** Rows are left if the batch was full, or if rows were queued after it was taken. */
    noteCommitted: assign(({ context, event }) =>
      event.type === 'xstate.done.actor.commit'
        ? { attempt: 0, problem: null, queued: context.queued || event.output.more }
        : {},
    ),
    requestClose: assign({ closeRequested: true }),
    noteProblem: assign(({ event }) => ('error' in event ? { problem: storageProblemIn(event.error) } : {})),
    noteSweepDue: assign({ sweepDue: true }),
    clearSweepDue: assign({ sweepDue: false }),
    /** A failed slice counts as the last one of its round. */
    planSweep: assign(({ context, event }) => {
      const hasMore = event.type === 'xstate.done.actor.slice' && event.output;
      return { sweepInMs: hasMore ? context.sweepDelaysMs.betweenSlices : context.sweepDelaysMs.betweenRounds };
    }),
    /** Only one timer runs: it is set when the file is open, and again after each slice, which may have run early. */
    setSweepTimer: raise({ type: 'sweep.due' }, { id: 'sweep', delay: 'sweepPause' }),
    cancelSweepTimer: cancel('sweep'),
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
  },
  guards: {
    rowsQueued: ({ context }) => context.queued,
    closeRequested: ({ context }) => context.closeRequested,
    sweepIsDue: ({ context }) => context.sweepDue && !context.closeRequested,
    retriesLeft: ({ context }) => context.attempt < context.retryDelaysMs.length,
  },
  delays: {
    /** Beyond the budget, an append waits for the last delay before its attempt. Without appends, `checkPause` paces the tests. */
    backoff: ({ context }) => context.retryDelaysMs[Math.min(context.attempt, context.retryDelaysMs.length) - 1] ?? 0,
    sweepPause: ({ context }) => context.sweepInMs,
    checkPause: ({ context }) => context.checkDelayMs,
  },
}).createMachine({
  id: 'writer',
  description: 'Commits queued appends one batch after another, with slices of the sweep between.',
  context: ({ input }) => {
    const {
      retryDelaysMs = defaultRetryDelaysMs,
      checkDelayMs = defaultCheckDelayMs,
      sweepDelaysMs = defaultSweepDelaysMs,
    } = input ?? {};
    return {
      queued: false,
      closeRequested: false,
      attempt: 0,
      problem: null,
      retryDelaysMs,
      checkDelayMs,
      sweepDelaysMs,
      sweepDue: false,
      sweepInMs: sweepDelaysMs.first,
    };
  },
  // Without the listener no append would be noticed, so the writer ends with it.
  invoke: { id: 'queue', src: 'queueListener', onDone: '.closing', onError: '.closing' },
  // In every state, a slice can wait until the writer is ready.
  on: { 'sweep.due': { actions: 'noteSweepDue' } },
  initial: 'opening',
  states: {
    opening: {
      description: 'Opens and checks the database file, and migrates it to the current schema.',
      invoke: {
        id: 'database',
        src: 'openDatabase',
        onDone: { target: 'ready', actions: 'setSweepTimer' },
        onError: 'refused',
      },
      on: {
        'rows.queued': { actions: 'noteQueued' },
        'writer.close': { actions: 'requestClose' },
      },
    },

    ready: {
      description: 'The queue is empty; what comes is committed at once.',
      always: [
        // Before the rows, or a busy writer would never sweep. The delay between slices keeps that rare.
        { guard: 'sweepIsDue', target: 'sweeping' },
        { guard: 'rowsQueued', target: 'committing' },
        { guard: 'closeRequested', target: 'closing' },
      ],
      after: { checkPause: 'checking' },
      on: { 'rows.queued': 'committing', 'writer.close': 'closing' },
    },

    checking: {
      description: 'Checks that the path still leads to the file that is served, while nothing is written.',
      invoke: {
        id: 'check',
        src: 'checkFile',
        onDone: 'ready',
        onError: [
          { guard: 'retriesLeft', target: 'retrying', actions: 'noteProblem' },
          { target: 'failed', actions: 'noteProblem' },
        ],
      },
      on: {
        'rows.queued': { actions: 'noteQueued' },
        'writer.close': { actions: 'requestClose' },
      },
    },

    committing: {
      description: 'Commits one batch. After a failure without queued rows it tests whether the file can be written.',
      entry: 'clearQueued',
      invoke: {
        id: 'commit',
        src: 'commitBatch',
        input: ({ context: { problem } }) => ({ known: problem }),
        onDone: { target: 'ready', actions: 'noteCommitted' },
        onError: [
          { guard: 'retriesLeft', target: 'retrying', actions: 'noteProblem' },
          { target: 'failed', actions: 'noteProblem' },
        ],
      },
      on: {
        'rows.queued': { actions: 'noteQueued' },
        'writer.close': { actions: 'requestClose' },
      },
    },

    sweeping: {
      description: 'Deletes one slice of the rows that retention drops, and of deleted conversations.',
      entry: ['clearSweepDue', 'cancelSweepTimer'],
      invoke: {
        id: 'slice',
        src: 'sweepSlice',
        onDone: { target: 'ready', actions: ['planSweep', 'setSweepTimer'] },
        // A failed slice loses nothing. The retry without rows finds out whether the disk is broken.
        onError: [
          { guard: 'retriesLeft', target: 'retrying', actions: ['noteProblem', 'planSweep', 'setSweepTimer'] },
          { target: 'failed', actions: ['noteProblem', 'planSweep', 'setSweepTimer'] },
        ],
      },
      on: {
        'rows.queued': { actions: 'noteQueued' },
        'writer.close': { actions: 'requestClose' },
      },
    },

    retrying: {
      description: 'A batch could not be written. It is queued again and retried, up to the retry budget.',
      initial: 'backingOff',
      states: {
        backingOff: {
          description: 'Waits before the next attempt.',
          entry: 'countAttempt',
          after: { backoff: 'reconnecting' },
        },
        reconnecting: {
          description: 'Opens the file again, because the connection itself may be broken.',
          invoke: {
            id: 'reopening',
            src: 'reopenDatabase',
            input: ({ context: { problem } }) => ({ known: problem }),
            onDone: '#writer.committing',
            onError: [
              { guard: 'retriesLeft', target: 'backingOff', actions: 'noteProblem' },
              { target: '#writer.failed', actions: 'noteProblem' },
            ],
          },
        },
      },
      on: {
        // The retry takes all appends that are queued by then.
        'rows.queued': {},
        // A drain has its own limit. Until then the retries continue for the queued appends.
        'writer.close': { actions: 'requestClose' },
      },
    },

    failed: {
      description:
        'The retry budget is used up, and queued appends are rejected. The file is opened and tested again after a while, and at the next append, so a disk that works again is noticed without a restart.',
      invoke: {
        id: 'rejection',
        src: 'rejectQueued',
        input: ({ context: { problem } }) => ({ problem: problem ?? 'other' }),
        onDone: { guard: 'closeRequested', target: 'closing' },
        onError: { guard: 'closeRequested', target: 'closing' },
      },
      after: { checkPause: 'retrying.reconnecting' },
      on: { 'rows.queued': 'retrying', 'writer.close': 'closing' },
    },

    closing: {
      description: 'Closes the file.',
      invoke: { id: 'closing', src: 'closeDatabase', onDone: 'closed', onError: 'closed' },
      on: {
        // The queue is closed by now and rejects appends itself.
        'rows.queued': {},
        'writer.close': {},
      },
    },

    closed: { description: 'The file is closed.', type: 'final' },
    refused: { description: 'The file must not be served. The start fails with the reason.', type: 'final' },
  },
});

/** The registry takes it into its `setup.actors` as `writer`. */
export type WriterLogic = typeof writerMachine;
