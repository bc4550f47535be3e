/** Declares the context, the input and the events of the writer's chart, and the problems of storage that it distinguishes. */
import type { DoneActorEvent, ErrorActorEvent } from 'xstate';
import { asObject } from './json-object.ts';

/** The pauses of the sweep, in ms. */
export interface SweepDelaysMs {
  /** From the start to the first slice: a stricter policy takes effect soon. */
  first: number;
  /** Between two slices of a round. A slice takes a few ms, so the writer is free most of the time. */
  betweenSlices: number;
  betweenRounds: number;
}

/** Delays in ms. Each has a default in writer.ts. */
export interface WriterInput {
  retryDelaysMs?: readonly number[];
  checkDelayMs?: number;
  sweepDelaysMs?: SweepDelaysMs;
}

/** Every event of the chart. */
export type WriterEvent =
  /** The queue is no longer empty. Sent once, however many appends follow. */
  | { type: 'rows.queued' }
  /** Time for a slice of the sweep: from the chart's own timer, or from a caller that left something to sweep. */
  | { type: 'sweep.due' }
  /** Flush the queue, then end. */
  | { type: 'writer.close' }
  /** A batch is committed. */
  | DoneActorEvent<CommittedBatch, 'commit'>
  /** A slice is swept. True while its round is not over. */
  | DoneActorEvent<boolean, 'slice'>
  /** A batch, a slice, a reconnect or a check of the file failed. */
  | ErrorActorEvent<unknown, 'commit' | 'slice' | 'reopening' | 'check'>;

/** The end of a batch. */
export interface CommittedBatch {
  /** The batch was full: there may be rows left. */
  more: boolean;
}

/** Why the log cannot be written. `moved`: another program moved, replaced or deleted the file. */
export type StorageProblem = (typeof STORAGE_PROBLEMS)[number];

const STORAGE_PROBLEMS = ['full', 'locked', 'read_only', 'moved', 'disk', 'other'] as const;

/** The problem that is known already. A log line for each failed test of the file would fill the log. */
export interface KnownProblem {
  known: StorageProblem | null;
}

/** The problem that an error of the store names in `data.problem`. */
export function storageProblemIn(error: unknown): StorageProblem {
  const problem = asObject(asObject(error)?.['data'])?.['problem'];
  return STORAGE_PROBLEMS.find((known) => known === problem) ?? 'other';
}

/** What the chart of the writer knows. */
export interface WriterContext {
  /** Rows were queued while the writer could not take them. */
  queued: boolean;
  closeRequested: boolean;
  /** Commits and reconnects that failed since the last successful commit. */
  attempt: number;
  /** Why the log cannot be written now. Null after a successful commit. */
  problem: StorageProblem | null;
  /** Delay before each retry. Its length is the retry budget. */
  retryDelaysMs: readonly number[];
  /** Delay before the file is checked while nothing is written. */
  checkDelayMs: number;
  sweepDelaysMs: SweepDelaysMs;
  /** The delay before the next slice is over. */
  sweepDue: boolean;
  sweepInMs: number;
}
