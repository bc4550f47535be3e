/**
 * How many frames one socket may send: a token bucket that refills with time. A flood is the
 * client's fault and ends the socket; honest bursts (a page of requests on reconnect) pass.
 */
export interface FrameBudget {
  /** Takes one frame's token; false when there is none. */
  take(nowMs: number): boolean;
}

/** `framesPerSecond` in the long run, `frameBurst` at once; both are read each time. */
export function createFrameBudget(limits: {
  readonly framesPerSecond: number;
  readonly frameBurst: number;
}): FrameBudget {
  let tokens = limits.frameBurst;
  let lastMs = 0;
  return {
    take(nowMs) {
      tokens = Math.min(limits.frameBurst, tokens + ((nowMs - lastMs) * limits.framesPerSecond) / 1000);
      lastMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
