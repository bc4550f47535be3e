/** Maps the times of a turn to positions in its bar, and shortens long waits for people. Pure: uses no elements. */

/** Largest share of the width for time that only waits for people. */
const WAIT_SHARE = 0.25;

/**
 * Maps times of a turn to 0..1. Time that only waits for people is compressed if it would take more than WAIT_SHARE.
 * @param {import('./bars.js').Turn} turn @param {number} nowMs @returns {{ at(ms: number): number, isCompressed: boolean }}
 */
export function scaleOf({ startMs, endMs, spans }, nowMs) {
  const end = Math.max(endMs ?? nowMs, startMs + 1);
  const edges = [...new Set([startMs, end, ...spans.flatMap((each) => [each.startMs, each.endMs ?? end])])]
    .filter((ms) => ms >= startMs && ms <= end)
    .toSorted((one, other) => one - other);
  const pieces = edges.slice(1).map((to, index) => {
    const from = edges[index] ?? startMs;
    const inside = spans.filter((each) => each.startMs < to && (each.endMs ?? end) > from);
    return { from, to, isWait: inside.length > 0 && inside.every(({ kind }) => kind === 'wait') };
  });
  const sum = (/** @type {boolean} */ isWait) =>
    pieces.reduce((total, piece) => total + (piece.isWait === isWait ? piece.to - piece.from : 0), 0);
  const [waiting, working] = [sum(true), sum(false)];
  const isCompressed = working > 0 && waiting / (waiting + working) > WAIT_SHARE;
  const weight = isCompressed ? (WAIT_SHARE / (1 - WAIT_SHARE)) * (working / waiting) : 1;
  const whole = working + waiting * weight;
  return {
    isCompressed,
    at(ms) {
      let at = 0;
      for (const { from, to, isWait } of pieces) {
        if (ms <= from) break;
        at += (Math.min(ms, to) - from) * (isWait ? weight : 1);
      }
      return Math.min(1, Math.max(0, at / whole));
    },
  };
}
