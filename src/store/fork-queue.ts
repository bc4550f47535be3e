/**
 * Makes forks from the main thread: checks the fork point, then asks the write thread for the copy, slice by slice. Between
 * two slices the thread commits new appends. Runs one fork at a time, with a bounded queue.
 */
import { randomUUID } from 'node:crypto';
import type { ConversationRef } from '../conversation-ref.ts';
import { AppError, fault, noSuchConversation } from '../errors.ts';
import type { ForkOutcome } from './port.ts';
import type { ThreadLink } from './thread-link.ts';

/** The threads that make a fork. */
export interface ForkingDeps {
  readThread: Pick<ThreadLink, 'ask'>;
  writeThread: Pick<ThreadLink, 'ask'>;
  opened: Promise<void>;
  /** Milliseconds since the epoch. */
  now: () => number;
  report: (error: unknown) => void;
}

/** A copy of 100,000 rows takes 3 s, an ordinary one a few ms. */
const maxQueued = 32;
const retryAfterMs = 1000;

/** Never rejects. The fork exists when its outcome is returned, not before. */
export function createForking({
  readThread,
  writeThread,
  opened,
  now,
  report,
}: ForkingDeps): (origin: ConversationRef, atSeq: number) => Promise<ForkOutcome> {
  let last: Promise<unknown> = opened;
  let waiting = 0;

  async function checkForkPoint(origin: ConversationRef, atSeq: number): Promise<ForkOutcome | null> {
    const nearest = await readThread.ask('forkPoints', { ...origin, atSeq });
    if (nearest === null) return { status: 'failed', fault: noSuchConversation() };
    return nearest[0] === atSeq ? null : { status: 'misplaced', nearest };
  }

  /** Null if the rows up to there are gone. */
  async function copy(origin: ConversationRef, atSeq: number): Promise<string | null> {
    const order = { origin, atSeq, fork: randomUUID(), now: new Date(now()).toISOString() };
    for (;;) {
      const progress = await writeThread.ask('fork', order);
      if (progress === 'gone') return null;
      if (progress === 'done') return order.fork;
    }
  }

  async function make(origin: ConversationRef, atSeq: number): Promise<ForkOutcome> {
    const invalid = await checkForkPoint(origin, atSeq);
    if (invalid !== null) return invalid;
    const conversationId = await copy(origin, atSeq);
    if (conversationId !== null) return { status: 'forked', conversationId };
    // Deleted, or trimmed by retention, between the check and the copy.
    return (await checkForkPoint(origin, atSeq)) ?? failed(new AppError('internal', 'A fork point has no row.'));
  }

  function failed(error: unknown): ForkOutcome {
    if (error instanceof AppError && error.code === 'shutting_down') {
      return {
        status: 'failed',
        fault: fault(
          'shutting_down',
          'The server is shutting down. Nothing was copied. Send the same request again after the restart.',
        ),
      };
    }
    report(error);
    return {
      status: 'failed',
      fault: fault('storage_failed', 'The copy could not be stored. No fork was made. Send the same request again.'),
    };
  }

  return async (origin, atSeq) => {
    if (waiting >= maxQueued) {
      return {
        status: 'failed',
        fault: fault('overloaded', 'The queue of forks is full. Send the same request again later.', {
          retry_after_ms: retryAfterMs,
        }),
      };
    }
    waiting += 1;
    const outcome = last.then(() => make(origin, atSeq)).catch(failed);
    last = outcome.finally(() => (waiting -= 1));
    return outcome;
  };
}
