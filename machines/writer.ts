/**
 * The life of the write connection: when a batch is committed, when the log is swept, when the
 * disk is asked again, when it counts as broken. The appends themselves wait in a queue beside the chart; here is
 * only the news that some wait. No row, SQL or callback ever enters this file.
 */
import {
  assign,
  cancel,
  fromCallback,
  fromPromise,
  raise,
  setup,
  type DoneActorEvent,
  type ErrorActorEvent,
  type EventObject,
} from 'xstate';
import { asObject } from './json-object.ts';
import { providedAtBoot } from './provided-at-boot.ts';

export interface SweepPaceMs {
  /** From the start to the first slice: a policy that was tightened is not long in coming. */
  first: number;
  /** Between two slices of a round; a slice takes a few ms, so the writer is free most of the time. */
  pause: number;
  /** From round to round. */
  rest: number;
}

export interface WriterInput {
  retryDelaysMs?: readonly number[];
  sweepPaceMs?: SweepPaceMs;
}

export type WriterEvent =
  /** The queue was empty and is not any more; sent once, however many appends follow. */
  | { type: 'rows.waiting' }
  /** Time for a slice of the sweep: the chart's own clock says so, or whoever leaves something to sweep. */
  | { type: 'sweep.due' }
  /** Flush what waits, then end. */
  | { type: 'writer.close' }
  /** A batch is committed. */
  | DoneActorEvent<Committed, 'commit'>
  /** A slice is swept; true while its round is not over. */
  | DoneActorEvent<boolean, 'slice'>
  /** A batch or a reconnect failed. */
  | ErrorActorEvent<unknown, 'commit' | 'reopening'>;

/** What became of a batch. */
export interface Committed {
  /** The batch was full: there may be rows left. */
  more: boolean;
}

/** Why the log cannot be written. `moved`: another program moved, replaced or deleted the file. */
export type StorageProblem = (typeof STORAGE_PROBLEMS)[number];

const STORAGE_PROBLEMS = ['full', 'locked', 'read_only', 'moved', 'disk', 'other'] as const;

/** The problem that an error of the store names in `data.problem`. */
export function storageProblemIn(error: unknown): StorageProblem {
  const problem = asObject(asObject(error)?.['data'])?.['problem'];
  return STORAGE_PROBLEMS.find((known) => known === problem) ?? 'other';
}

export interface WriterContext {
  /** Rows came while the writer could not take them. */
  waiting: boolean;
  closeAsked: boolean;
  /** Commits and reconnects that failed since the last good commit. */
  attempt: number;
  /** Of the last commit or reconnect that failed. */
  problem: StorageProblem;
  /** Pause before each retry; its length is the retry budget. */
  retryDelaysMs: readonly number[];
  sweepPaceMs: SweepPaceMs;
  /** The pause before the next slice is over. */
  sweepDue: boolean;
  sweepInMs: number;
}

/** Three tries within 2.6 s: longer than a checkpoint or a backup's lock, shorter than a user's patience. */
const defaultRetryDelaysMs = [100, 500, 2000] as const;

const defaultSweepPaceMs: SweepPaceMs = { first: 2000, pause: 20, rest: 300_000 };

/** What each state is for stands in its description. */
export const writerMachine = setup({
  types: {
    context: {} as WriterContext,
    events: {} as WriterEvent,
    input: {} as WriterInput | undefined,
  },
  actors: {
    /** Turns the queue's bell into events; lives as long as the writer and never ends by itself. */
    arrivals: fromCallback<EventObject>(providedAtBoot),
    /** Rejects when the file must not be served: see the start-up refusals of the store. */
    openDatabase: fromPromise<void>(providedAtBoot),
    /** Commits what waits, up to a batch; rejects when appends had to go back to the queue. */
    commitBatch: fromPromise<Committed>(providedAtBoot),
    /** One slice of the sweep, of a few ms; true while its round is not over. */
    sweepSlice: fromPromise<boolean>(providedAtBoot),
    reopenDatabase: fromPromise<void>(providedAtBoot),
    /** Answers everything that waits with `storage_failed`. */
    refuseWaiting: fromPromise<void, { problem: StorageProblem }>(providedAtBoot),
    closeDatabase: fromPromise<void>(providedAtBoot),
  },
  actions: {
    noteWaiting: assign({ waiting: true }),
    takeWaiting: assign({ waiting: false }),
    /** Either the batch was full, or rows came after it was taken. */
    noteCommitted: assign(({ context, event }) =>
      event.type === 'xstate.done.actor.commit' ? { attempt: 0, waiting: context.waiting || event.output.more } : {},
    ),
    noteClose: assign({ closeAsked: true }),
    noteProblem: assign(({ event }) => ('error' in event ? { problem: storageProblemIn(event.error) } : {})),
    noteSweep: assign({ sweepDue: true }),
    takeSweep: assign({ sweepDue: false }),
    /** After a slice that failed as after the last one of a round. */
    planSweep: assign(({ context, event }) => {
      const goesOn = event.type === 'xstate.done.actor.slice' && event.output;
      return { sweepInMs: goesOn ? context.sweepPaceMs.pause : context.sweepPaceMs.rest };
    }),
    /** One timer at a time: it is set when the file is open, and anew after each slice, which may have come before its time. */
    setSweepTimer: raise({ type: 'sweep.due' }, { id: 'sweep', delay: 'sweepPause' }),
    stopSweepTimer: cancel('sweep'),
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
  },
  guards: {
    rowsWait: ({ context }) => context.waiting,
    closeAsked: ({ context }) => context.closeAsked,
    sweepIsDue: ({ context }) => context.sweepDue && !context.closeAsked,
    budgetLeft: ({ context }) => context.attempt < context.retryDelaysMs.length,
  },
  delays: {
    /** Beyond the budget the last delay stands: a broken disk is probed no faster than that. */
    backoff: ({ context }) => context.retryDelaysMs[Math.min(context.attempt, context.retryDelaysMs.length) - 1] ?? 0,
    sweepPause: ({ context }) => context.sweepInMs,
  },
}).createMachine({
  id: 'writer',
  description:
    'The life of the write connection: what waits becomes one commit after another, with slices of the sweep between.',
  context: ({ input }) => {
    const { retryDelaysMs = defaultRetryDelaysMs, sweepPaceMs = defaultSweepPaceMs } = input ?? {};
    return {
      waiting: false,
      closeAsked: false,
      attempt: 0,
      problem: 'other',
      retryDelaysMs,
      sweepPaceMs,
      sweepDue: false,
      sweepInMs: sweepPaceMs.first,
    };
  },
  // Without the bell no append would ever be heard of again: the end of it is the end of the writer.
  invoke: { id: 'bell', src: 'arrivals', onDone: '.closing', onError: '.closing' },
  // Wherever the writer is, a slice can wait until it is ready.
  on: { 'sweep.due': { actions: 'noteSweep' } },
  initial: 'opening',
  states: {
    opening: {
      description: 'The database file is opened, checked and brought up to date.',
      invoke: {
        id: 'database',
        src: 'openDatabase',
        onDone: { target: 'ready', actions: 'setSweepTimer' },
        onError: 'refused',
      },
      on: {
        'rows.waiting': { actions: 'noteWaiting' },
        'writer.close': { actions: 'noteClose' },
      },
    },

    ready: {
      description: 'Nothing waits, or what does is taken up at once.',
      always: [
        // Before the rows, or a busy writer would never sweep; the pause keeps that rare.
        { guard: 'sweepIsDue', target: 'sweeping' },
        { guard: 'rowsWait', target: 'committing' },
        { guard: 'closeAsked', target: 'closing' },
      ],
      on: { 'rows.waiting': 'committing', 'writer.close': 'closing' },
    },

    committing: {
      description: 'One batch is on its way to the disk.',
      entry: 'takeWaiting',
      invoke: {
        id: 'commit',
        src: 'commitBatch',
        onDone: { target: 'ready', actions: 'noteCommitted' },
        onError: [
          { guard: 'budgetLeft', target: 'retrying', actions: 'noteProblem' },
          { target: 'failed', actions: 'noteProblem' },
        ],
      },
      on: {
        'rows.waiting': { actions: 'noteWaiting' },
        'writer.close': { actions: 'noteClose' },
      },
    },

    sweeping: {
      description: 'One slice of what retention takes, and of what deletions have left, goes.',
      entry: ['takeSweep', 'stopSweepTimer'],
      invoke: {
        id: 'slice',
        src: 'sweepSlice',
        onDone: { target: 'ready', actions: ['planSweep', 'setSweepTimer'] },
        // A slice that the disk did not take is no loss; whether the disk is broken, the next commit finds out.
        onError: { target: 'ready', actions: ['planSweep', 'setSweepTimer'] },
      },
      on: {
        'rows.waiting': { actions: 'noteWaiting' },
        'writer.close': { actions: 'noteClose' },
      },
    },

    retrying: {
      description: 'The disk did not take a batch. It went back to the queue and is tried again, a few times.',
      initial: 'backingOff',
      states: {
        backingOff: {
          description: 'Waits before the next try.',
          entry: 'countAttempt',
          after: { backoff: 'reconnecting' },
        },
        reconnecting: {
          description: 'The file is opened anew: the connection may be what is broken.',
          invoke: {
            id: 'reopening',
            src: 'reopenDatabase',
            onDone: '#writer.committing',
            onError: [
              { guard: 'budgetLeft', target: 'backingOff', actions: 'noteProblem' },
              { target: '#writer.failed', actions: 'noteProblem' },
            ],
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

    failed: {
      description:
        'The retries are used up, and what waits is refused. The next append is the next probe: a disk that works again is noticed without a restart, and a broken one is not hammered.',
      invoke: {
        id: 'refusal',
        src: 'refuseWaiting',
        input: ({ context: { problem } }) => ({ problem }),
        onDone: { guard: 'closeAsked', target: 'closing' },
        onError: { guard: 'closeAsked', target: 'closing' },
      },
      on: { 'rows.waiting': 'retrying', 'writer.close': 'closing' },
    },

    closing: {
      description: 'What waits is flushed and the file closed.',
      invoke: { id: 'closing', src: 'closeDatabase', onDone: 'closed', onError: 'closed' },
      on: {
        // The queue is shut by now and answers for itself.
        'rows.waiting': {},
        'writer.close': {},
      },
    },

    closed: { description: 'The file is closed.', type: 'final' },
    refused: { description: 'The file must not be served; the reason is told at start.', type: 'final' },
  },
});

/** What the registry takes into its `setup.actors` as `writer`. */
export type WriterLogic = typeof writerMachine;
