/**
 * Decides whether and when to send a request again: after a retryable rejection, or after a gap in a stream. Owns the timer.
 */
import type { Fault } from '../../machines/log.ts';
import type { Backoff } from './backoff.ts';

/** A request that the server rejected for now. The client sends it again automatically with the same request id. */
export interface RetryWait {
  /** The action of the request: `chat`, `history`, `subscribe`, ... */
  action: string;
  requestId: string;
  /** Null if the request names no conversation. */
  conversationId: string | null;
  /** The code and message of the rejection. */
  code: string;
  message: string;
  /** Delay before the next try, in ms. A new connection ends it. */
  delayMs: number;
  /** Number of that try since the last progress of the request, from 1. */
  attempt: number;
}

/** How to send, and how long. */
export interface RetryOptions {
  send(): void;
  backoff: Backoff;
  /** Longest total delay after rejections, in ms. */
  limitMs: number;
  /** Called at the start of each delay after a rejection. */
  onWait(wait: Pick<RetryWait, 'code' | 'message' | 'delayMs' | 'attempt'>): void;
}

/** The retries of one request. */
export interface Retry {
  /** Sends again at once, because frames are missing. False if it did so too often. */
  afterGap(): boolean;
  /** Sends again after a growing delay, not before the server's `retry_after_ms`. False if a retry is useless or too late. */
  afterRejection(fault: Fault): boolean;
  /** The request made progress: all limits start again. */
  reset(): void;
  /** Ends the delay. */
  stop(): void;
}

/** Repetitions because of a gap, without progress. */
const MAX_GAPS = 10;
/** Tries after rejections without `retry_after_ms`; with the default delays, about ten seconds. */
const MAX_UNSPECIFIED = 6;

/**
 * Codes that are retryable, but not by waiting: for `illegal_in_state` the caller must choose (wait, cancel, interrupt);
 * for `mcp_unavailable` another system may be away for long.
 */
const callersChoice: ReadonlySet<string> = new Set(['illegal_in_state', 'mcp_unavailable']);

/** Creates the retries of one request. They end after `limitMs` of waiting in total. */
export function createRetry({ send: ask, backoff, limitMs, onWait }: RetryOptions): Retry {
  let repeats = 0;
  let unspecified = 0;
  let waitedMs = 0;
  let waiting: { timer: ReturnType<typeof setTimeout>; sinceMs: number } | null = null;

  const stop = () => {
    if (waiting === null) return;
    clearTimeout(waiting.timer);
    waitedMs += performance.now() - waiting.sinceMs;
    waiting = null;
  };
  const sendIn = (delayMs: number) => {
    stop();
    const timer = setTimeout(() => {
      stop();
      ask();
    }, delayMs);
    waiting = { timer, sinceMs: performance.now() };
    repeats += 1;
  };
  /** The delay before the next try. Null if a retry is useless or too late. */
  const delayAfter = ({ code, retryable, data }: Fault): number | null => {
    const retryAfterMs = typeof data['retry_after_ms'] === 'number' ? data['retry_after_ms'] : null;
    if (!retryable || callersChoice.has(code)) return null;
    if (retryAfterMs === null && ++unspecified > MAX_UNSPECIFIED) return null;
    const leftMs = limitMs - waitedMs;
    const delayMs = backoff(repeats, retryAfterMs ?? 0);
    if (delayMs <= leftMs) return delayMs;
    // A restart ends with a new connection, which may come long before `retry_after_ms`.
    return code === 'shutting_down' && leftMs > 0 ? leftMs : null;
  };

  return {
    afterGap() {
      if (repeats >= MAX_GAPS) return false;
      sendIn(0);
      return true;
    },
    afterRejection(fault) {
      stop();
      const delayMs = delayAfter(fault);
      if (delayMs === null) return false;
      sendIn(delayMs);
      onWait({ code: fault.code, message: fault.message, delayMs, attempt: repeats });
      return true;
    },
    reset() {
      repeats = 0;
      unspecified = 0;
      waitedMs = 0;
    },
    stop,
  };
}
