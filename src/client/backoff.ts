/** Computes how long to wait before the next try: doubling, capped, and spread so that clients do not return all at once. */

export interface BackoffOptions {
  /** First delay, before jitter. */
  minMs: number;
  /** No delay is longer, unless the server asks for more. */
  maxMs: number;
  /** The share of a delay that chance may take off: 0 never, 1 all of it. */
  jitter: number;
  /** From 0 up to 1. */
  random(): number;
}

/**
 * The delay in ms before try number `attempt`, counted from 0. `leastMs` is what the server asked for: the delay is
 * not shorter, and chance adds up to half of `jitter` to it.
 */
export type Backoff = (attempt: number, leastMs?: number) => number;

export function createBackoff({ minMs, maxMs, jitter, random }: BackoffOptions): Backoff {
  return (attempt, leastMs = 0) => {
    const chance = jitter * random();
    return Math.max(Math.min(maxMs, minMs * 2 ** attempt) * (1 - chance), leastMs * (1 + chance / 2));
  };
}
