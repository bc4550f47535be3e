/**
 * Limits how fast requests may follow one another: so many within any minute, wherever it begins. Says when the next
 * one may begin; which one that is, the queue decides.
 */
import type { RateLimiter } from './fair-queue.ts';

export interface MinuteRateLimiter extends RateLimiter {
  /** 0 while it is open. */
  untilOpenMs(): number;
}

const MINUTE_MS = 60_000;

/** `requestsPerMinute` is read each time, so it may change; null: any number. */
export function createMinuteRateLimiter(requestsPerMinute: () => number | null): MinuteRateLimiter {
  /** When the newest requests began, the oldest first: at least as many as a minute may hold. */
  let begun: number[] = [];

  const untilOpenMs = () => {
    const most = requestsPerMinute();
    const decisive = most === null ? undefined : begun.at(-most);
    return decisive === undefined ? 0 : Math.max(0, decisive + MINUTE_MS - performance.now());
  };
  return {
    untilOpenMs,
    isOpen: () => untilOpenMs() === 0,
    begin() {
      const most = requestsPerMinute();
      if (most === null) {
        begun = [];
        return;
      }
      begun.push(performance.now());
      // Not at each request: dropping one shifts all others.
      if (begun.length > 2 * most) begun = begun.slice(-most);
    },
  };
}
