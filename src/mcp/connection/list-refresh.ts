/**
 * Reads a changed list again, one request at a time. A change that is reported during a request causes one more request,
 * because the running one may have missed it.
 */
import { setTimeout as pause } from 'node:timers/promises';

/** The reads of one list. */
export interface ListRefresh {
  /** Reads the list, now or after the running request. */
  request(): void;
  /**
   * Resolves when no request is running or due, on abort, or after `withinMs`. If none is running, it waits `graceMs` for
   * one to begin.
   */
  settled(signal: AbortSignal, graceMs: number, withinMs: number): Promise<void>;
}

/** `read` must not reject. */
export function createListRefresh(read: () => Promise<void>): ListRefresh {
  let running: Promise<void> | null = null;
  let isDue = false;
  const readAll = async () => {
    while (isDue) {
      isDue = false;
      await read();
    }
    running = null;
  };
  return {
    request() {
      isDue = true;
      running ??= readAll();
    },
    async settled(signal, graceMs, withinMs) {
      const pauseFor = (ms: number) => pause(ms, undefined, { signal, ref: false }).catch(() => undefined);
      if (running === null && graceMs > 0) await pauseFor(graceMs);
      if (running !== null) await Promise.race([running, pauseFor(withinMs)]);
    },
  };
}
