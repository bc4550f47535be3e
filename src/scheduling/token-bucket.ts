/** Limits how often something may happen: a token bucket, which allows bursts. */
export interface TokenBucket {
  /** Takes tokens. False, and takes none, if fewer are left. `nowMs` is a time that never goes back. */
  take(nowMs: number, count?: number): boolean;
}

/** Both are read at each `take`, so a reload takes effect. */
export interface TokenBucketLimits {
  /** Tokens that come back each second. */
  readonly perSecond: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
}

/** Creates a full bucket. */
export function createTokenBucket(limits: TokenBucketLimits): TokenBucket {
  let tokens = limits.burst;
  let lastMs = 0;
  return {
    take(nowMs, count = 1) {
      tokens = Math.min(limits.burst, tokens + ((nowMs - lastMs) * limits.perSecond) / 1000);
      lastMs = nowMs;
      if (tokens < count) return false;
      tokens -= count;
      return true;
    },
  };
}
