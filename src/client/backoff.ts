/** Computes the delay before the next try: exponential, capped, with jitter so that clients do not reconnect all at once. */

/** The delays, in ms. */
export interface BackoffOptions {
  /** First delay, before jitter. */
  minMs: number;
  /** Longest delay, unless the server demands a longer one. */
  maxMs: number;
  /** The largest share of a delay that is randomly subtracted. From 0 to 1. */
  jitter: number;
  /** Returns a number from 0 to 1. */
  random(): number;
}

/**
 * The delay in ms before try number `attempt`, from 0. `leastMs` is the server's minimum: the delay is not shorter, and
 * jitter adds up to half of `jitter`.
 */
export type Backoff = (attempt: number, leastMs?: number) => number;

/**
 * Makes the function that gives the wait before an attempt, in ms. `attempt` counts from 0; `leastMs`: the least time
 * that the server asks for.
 */
export function createBackoff({ minMs, maxMs, jitter, random }: BackoffOptions): Backoff {
  return (attempt, leastMs = 0) => {
    const chance = jitter * random();
    return Math.max(Math.min(maxMs, minMs * 2 ** attempt) * (1 - chance), leastMs * (1 + chance / 2));
  };
}
