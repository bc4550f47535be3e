/** Waiting in a fair line, for those who may give up: by a Stop, or when they have waited long enough. */
import type { FairLine, Place } from './fair-queue.ts';
import { MAX_TIMER_MS } from '../timer-limit.ts';

export interface Patience {
  signal: AbortSignal;
  withinMs: number;
  /** Hears, before anything else happens, how many stand in line then, this one included; not called where there is room. */
  queued?: (position: number) => void;
}

/** True when it is this one's turn, which `release` ends; false when it has given up its place. */
export function waitInLine(
  line: FairLine,
  place: Place,
  { signal, withinMs, queued }: Patience,
): true | Promise<boolean> {
  const turn = Promise.withResolvers<boolean>();
  const position = line.ask(place, () => turn.resolve(true));
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
