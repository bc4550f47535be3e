/**
 * How many frames one socket may send: a token bucket that refills with time. A flood is the
 * client's fault and ends the socket; honest bursts (a page of requests on reconnect) pass.
 */
export interface FrameBudget {
  /** Takes one frame's token; false when there is none. */
  take(nowMs: number): boolean;
}

/** `perSecond` frames in the long run, `burst` at once. */
export function createFrameBudget(perSecond: number, burst: number): FrameBudget {
  let tokens = burst;
  let lastMs = 0;
  return {
    take(nowMs) {
      tokens = Math.min(burst, tokens + ((nowMs - lastMs) * perSecond) / 1000);
      lastMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
