/** Acquires a permit of a fair semaphore with a timeout and an abort signal. */
import type { FairSemaphore, FairKey } from './fair-semaphore.ts';

/** How long to wait, in ms, and what ends the wait. */
export interface AcquireOptions {
  signal: AbortSignal;
  withinMs: number;
  /** Called at once with the length of the queue, this request included. Not called if a permit is free. */
  queued?: (position: number) => void;
}

/** Node fires longer timers at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resolves to true with the permit, which `release` returns; to false after the timeout or an abort. */
export function acquireWithin(
  line: FairSemaphore,
  place: FairKey,
  { signal, withinMs, queued }: AcquireOptions,
): true | Promise<boolean> {
  const turn = Promise.withResolvers<boolean>();
  const position = line.acquire(place, () => turn.resolve(true));
  if (position === 0) return true;
  queued?.(position);
  const giveUp = () => {
    line.release(place);
    turn.resolve(false);
  };
  const timer = setTimeout(giveUp, Math.min(Math.max(0, withinMs), MAX_TIMER_MS));
  signal.addEventListener('abort', giveUp, { once: true });
  return turn.promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  });
}
