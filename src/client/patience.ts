/**
 * Asking again after a fault that passes: when, and how often without any progress. Owns the timer;
 * does not know what is asked.
 */
import type { Fault } from '../../machines/log.ts';
import type { Backoff } from './backoff.ts';

export interface Patience {
  /** Asks again at once, because something was missed. False: enough is enough. */
  missed(): boolean;
  /** Asks again after a growing delay, not before the server said. False: the fault does not pass, or not any more. */
  refused(fault: Fault): boolean;
  /** Something new came: it was worth it. */
  renew(): void;
  /** Asked by another way, or no longer interested. */
  stop(): void;
}

/** Times that a question is repeated without anything new coming of it; with the delays of a client, most of a minute. */
const MAX_REPEATS = 10;

export function createPatience(ask: () => void, backoff: Backoff): Patience {
  let repeats = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const askIn = (delayMs: (repeat: number) => number): boolean => {
    if (repeats >= MAX_REPEATS) return false;
    clearTimeout(timer);
    timer = setTimeout(ask, delayMs(repeats));
    repeats += 1;
    return true;
  };

  return {
    missed: () => askIn(() => 0),
    refused({ retryable, data }) {
      const toldMs = typeof data['retry_after_ms'] === 'number' ? data['retry_after_ms'] : 0;
      return retryable && askIn((repeat) => Math.max(toldMs, backoff(repeat)));
    },
    renew() {
      repeats = 0;
    },
    stop: () => clearTimeout(timer),
  };
}
