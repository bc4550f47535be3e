/**
 * Limits the number of requests within any minute (a sliding window). Says when the next request may begin. The queue
 * decides which one that is.
 */
import type { RateLimiter } from './fair-semaphore.ts';

/** The limiter of one provider, with a time for its timer. */
export interface MinuteRateLimiter extends RateLimiter {
  /** Time until the next request may begin, in ms. 0: now. */
  untilOpenMs(): number;
}

const MINUTE_MS = 60_000;

/** `requestsPerMinute` is read at each request, so it may change. Null: no limit. */
export function createMinuteRateLimiter(requestsPerMinute: () => number | null): MinuteRateLimiter {
  /** Start times of the newest requests, the oldest first: at least as many as a minute may hold. */
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
      // Not at each request: each removal shifts all other entries.
      if (begun.length > 2 * most) begun = begun.slice(-most);
    },
  };
}
