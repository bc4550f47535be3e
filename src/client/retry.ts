/**
 * Decides whether and when to ask again: after a refusal that passes by itself, or after a gap in a stream. Owns the
 * timer; does not know what is asked.
 */
import type { Fault } from '../../machines/log.ts';
import type { Backoff } from './backoff.ts';

/** A request that the server has refused for now. The client sends it again by itself, under the same request id. */
export interface RetryWait {
  /** Of the request: `chat`, `history`, `subscribe`, ... */
  action: string;
  requestId: string;
  /** Null if the request is about no conversation. */
  conversationId: string | null;
  /** Why: the code of the refusal, and its words for people. */
  code: string;
  message: string;
  /** Time until the next try, in ms. A new connection brings it sooner. */
  delayMs: number;
  /** The number of that try since something last came of the request, from 1. */
  attempt: number;
}

export interface RetryOptions {
  send(): void;
  backoff: Backoff;
  /** Longest total wait for refusals, in ms. */
  limitMs: number;
  /** Called at the beginning of each wait for a refusal. */
  onWait(wait: Pick<RetryWait, 'code' | 'message' | 'delayMs' | 'attempt'>): void;
}

export interface Retry {
  /** Asks again at once, because something was missed. False: enough is enough. */
  afterGap(): boolean;
  /** Asks again after a growing delay, not before the server said. False: the refusal does not pass, or not in time. */
  afterRejection(fault: Fault): boolean;
  /** Something new came: the bounds begin again. */
  reset(): void;
  /** Ends the wait: asked by another way, or no longer wanted. */
  stop(): void;
}

/** Times that a question is repeated because its answer had a gap, without anything new coming of it. */
const MAX_MISSED = 10;
/** Tries after refusals that do not say how long to wait; with the delays of a client, about ten seconds. */
const MAX_UNTOLD = 6;

/**
 * Retryable, but not by waiting: `illegal_in_state` asks the caller to choose (wait, cancel, interrupt);
 * `mcp_unavailable` is another system's absence, which may last.
 */
const callersChoice: ReadonlySet<string> = new Set(['illegal_in_state', 'mcp_unavailable']);

export function createRetry({ send: ask, backoff, limitMs, onWait }: RetryOptions): Retry {
  let repeats = 0;
  let untold = 0;
  let waitedMs = 0;
  let waiting: { timer: ReturnType<typeof setTimeout>; sinceMs: number } | null = null;

  const stop = () => {
    if (waiting === null) return;
    clearTimeout(waiting.timer);
    waitedMs += performance.now() - waiting.sinceMs;
    waiting = null;
  };
  const askIn = (delayMs: number) => {
    stop();
    const timer = setTimeout(() => {
      stop();
      ask();
    }, delayMs);
    waiting = { timer, sinceMs: performance.now() };
    repeats += 1;
  };
  /** Null if it is not worth a wait. */
  const delayAfter = ({ code, retryable, data }: Fault): number | null => {
    const toldMs = typeof data['retry_after_ms'] === 'number' ? data['retry_after_ms'] : null;
    if (!retryable || callersChoice.has(code)) return null;
    if (toldMs === null && ++untold > MAX_UNTOLD) return null;
    const leftMs = limitMs - waitedMs;
    const delayMs = backoff(repeats, toldMs ?? 0);
    if (delayMs <= leftMs) return delayMs;
    // A restart ends with a new connection, which may come long before the time that the server can promise.
    return code === 'shutting_down' && leftMs > 0 ? leftMs : null;
  };

  return {
    afterGap() {
      if (repeats >= MAX_MISSED) return false;
      askIn(0);
      return true;
    },
    afterRejection(fault) {
      stop();
      const delayMs = delayAfter(fault);
      if (delayMs === null) return false;
      askIn(delayMs);
      onWait({ code: fault.code, message: fault.message, delayMs, attempt: repeats });
      return true;
    },
    reset() {
      repeats = 0;
      untold = 0;
      waitedMs = 0;
    },
    stop,
  };
}
