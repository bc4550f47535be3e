/**
 * Limits how many frames a socket may send: a token bucket. Bursts, such as the requests after a reconnect, are allowed.
 */
export interface FrameBudget {
  /** Takes the token of one frame. False if none is left. `nowMs` is a time that never goes back. */
  take(nowMs: number): boolean;
}

/** Allows `framesPerSecond` on average and `frameBurst` at once. Both are read at each frame. */
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
