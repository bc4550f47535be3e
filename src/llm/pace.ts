/**
 * How fast requests may follow one another: so many within any minute, wherever it begins. Tells when the next may
 * begin; who that is, the line knows.
 */
import type { Pace } from '../fair-line.ts';

export interface MinutePace extends Pace {
  /** 0 while it is open. */
  untilOpenMs(): number;
}

const MINUTE_MS = 60_000;

/** Null: any number. */
export function createPace(requestsPerMinute: number | null): MinutePace {
  /** When the newest ones began, as many as a minute may hold, in a ring: the next may begin a minute after the oldest. */
  const begun = new Float64Array(requestsPerMinute ?? 0).fill(-Infinity);
  let oldest = 0;

  const untilOpenMs = () => Math.max(0, (begun[oldest] ?? -Infinity) + MINUTE_MS - performance.now());
  return {
    untilOpenMs,
    isOpen: () => untilOpenMs() === 0,
    begin() {
      if (begun.length === 0) return;
      begun[oldest] = performance.now();
      oldest = (oldest + 1) % begun.length;
    },
  };
}
