/** How long to wait before trying again: doubling, capped, and spread so that clients do not return all at once. */

export interface BackoffOptions {
  /** First delay, before jitter. */
  minMs: number;
  /** No delay is longer. */
  maxMs: number;
  /** The share of a delay that chance may take off: 0 never, 1 all of it. */
  jitter: number;
  /** From 0 up to 1. */
  random(): number;
}

/** The delay before try number `attempt`, counted from 0. */
export type Backoff = (attempt: number) => number;

export function createBackoff({ minMs, maxMs, jitter, random }: BackoffOptions): Backoff {
  return (attempt) => Math.min(maxMs, minMs * 2 ** attempt) * (1 - jitter * random());
}
