/**
 * What the chart of the writer remembers, hears and is told to keep to. Types only.
 */
import type { DoneActorEvent } from 'xstate';

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
  | DoneActorEvent<boolean, 'slice'>;

/** What became of a batch. */
export interface Committed {
  /** The batch was full: there may be rows left. */
  more: boolean;
}

export interface WriterContext {
  /** Rows came while the writer could not take them. */
  waiting: boolean;
  closeAsked: boolean;
  /** Commits and reconnects that failed since the last good commit. */
  attempt: number;
  /** Pause before each retry; its length is the retry budget. */
  retryDelaysMs: readonly number[];
  sweepPaceMs: SweepPaceMs;
  /** The pause before the next slice is over. */
  sweepDue: boolean;
  sweepInMs: number;
}
