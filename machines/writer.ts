/**
 * The life of the write connection: when a batch is committed, when the disk is asked again,
 * when it counts as broken. The appends themselves wait in a queue beside the chart; here is
 * only the news that some wait. No row, SQL or callback ever enters this file.
 */
import { assign, fromCallback, fromPromise, setup } from 'xstate';
import type { EventObject } from 'xstate';

/** Three tries within 2.6 s: longer than a checkpoint or a backup's lock, shorter than a user's patience. */
const defaultRetryDelaysMs = [100, 500, 2000] as const;

export type WriterEvent =
  /** The queue was empty and is not any more; sent once, however many appends follow. */
  | { type: 'rows.waiting' }
  /** Flush what waits, then end. */
  | { type: 'writer.close' };

export interface WriterContext {
  /** Rows came while the writer could not take them. */
  waiting: boolean;
  closeAsked: boolean;
  /** Commits and reconnects that failed since the last good commit. */
  attempt: number;
  /** Pause before each retry; its length is the retry budget. */
  retryDelaysMs: readonly number[];
}

const providedAtBoot = (): never => {
  throw new Error('This actor is provided by src/store at boot.');
};

export const writerMachine = setup({
  types: {
    context: {} as WriterContext,
    events: {} as WriterEvent,
    input: {} as { retryDelaysMs: readonly number[] } | undefined,
  },
  actors: {
    /** Turns the queue's bell into events; lives as long as the writer and never ends by itself. */
    arrivals: fromCallback<EventObject>(providedAtBoot),
    /** Rejects when the file must not be served: see the start-up refusals of the store. */
    openDatabase: fromPromise<void>(providedAtBoot),
    /** Commits what waits, up to a batch; rejects when appends had to go back to the queue. */
    commitBatch: fromPromise<{ more: boolean }>(providedAtBoot),
    reopenDatabase: fromPromise<void>(providedAtBoot),
    /** Answers everything that waits with `storage_failed`. */
    refuseWaiting: fromPromise<void>(providedAtBoot),
    closeDatabase: fromPromise<void>(providedAtBoot),
  },
  actions: {
    noteWaiting: assign({ waiting: true }),
    noteClose: assign({ closeAsked: true }),
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
  },
  guards: {
    rowsWait: ({ context }) => context.waiting,
    closeAsked: ({ context }) => context.closeAsked,
    budgetLeft: ({ context }) => context.attempt < context.retryDelaysMs.length,
  },
  delays: {
    /** Beyond the budget the last delay stands: a broken disk is probed no faster than that. */
    backoff: ({ context }) =>
      context.retryDelaysMs[Math.min(context.attempt, context.retryDelaysMs.length) - 1] ?? 0,
  },
}).createMachine({
  id: 'writer',
  context: ({ input }) => ({
    waiting: false,
    closeAsked: false,
    attempt: 0,
    retryDelaysMs: input?.retryDelaysMs ?? defaultRetryDelaysMs,
  }),
  // Without the bell no append would ever be heard of again: the end of it is the end of the writer.
  invoke: { src: 'arrivals', onDone: '.closing', onError: '.closing' },
  initial: 'opening',
  states: {
    opening: {
      invoke: { src: 'openDatabase', onDone: 'ready', onError: 'refused' },
      on: {
        'rows.waiting': { actions: 'noteWaiting' },
        'writer.close': { actions: 'noteClose' },
      },
    },

    ready: {
      always: [
        { guard: 'rowsWait', target: 'committing' },
        { guard: 'closeAsked', target: 'closing' },
      ],
      on: { 'rows.waiting': 'committing', 'writer.close': 'closing' },
    },

    committing: {
      entry: assign({ waiting: false }),
      invoke: {
        src: 'commitBatch',
        onDone: {
          target: 'ready',
          actions: assign({
            attempt: 0,
            // Either the batch was full, or rows came after it was taken.
            waiting: ({ context, event }) => context.waiting || event.output.more,
          }),
        },
        onError: [{ guard: 'budgetLeft', target: 'retrying' }, { target: 'failed' }],
      },
      on: {
        'rows.waiting': { actions: 'noteWaiting' },
        'writer.close': { actions: 'noteClose' },
      },
    },

    retrying: {
      initial: 'backingOff',
      states: {
        backingOff: { entry: 'countAttempt', after: { backoff: 'reconnecting' } },
        reconnecting: {
          invoke: {
            src: 'reopenDatabase',
            onDone: '#writer.committing',
            onError: [{ guard: 'budgetLeft', target: 'backingOff' }, { target: '#writer.failed' }],
          },
        },
      },
      on: {
        // The retry takes everything that waits by then.
        'rows.waiting': {},
        // A drain has a limit of its own; until then the budget is used up for those who wait.
        'writer.close': { actions: 'noteClose' },
      },
    },

    // The budget is spent. The next append is the next probe, so that a disk that
    // works again is noticed without a restart and a broken one is not hammered.
    failed: {
      invoke: {
        src: 'refuseWaiting',
        onDone: { guard: 'closeAsked', target: 'closing' },
        onError: { guard: 'closeAsked', target: 'closing' },
      },
      on: { 'rows.waiting': 'retrying', 'writer.close': 'closing' },
    },

    closing: {
      invoke: { src: 'closeDatabase', onDone: 'closed', onError: 'closed' },
      on: {
        // The queue is shut by now and answers for itself.
        'rows.waiting': {},
        'writer.close': {},
      },
    },

    closed: { type: 'final' },
    refused: { type: 'final' },
  },
});

/** What the registry takes into its `setup.actors` as `writer`. */
export type WriterLogic = typeof writerMachine;
