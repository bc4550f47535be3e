/**
 * Defines what the scripted model and the load share. The text of every delta is the time at which the model sent it,
 * then filler. Its width is constant, so that deltas that were merged into one frame can be separated again. Both ends
 * read the machine's monotonic clock, which its processes share.
 */

/** A message that contains this, or has it in its history, is answered without delay. */
export const skipDelay = 'Hurry up!';

/** Length of one delta in characters. */
export const deltaLength = 16;

const digits = 9;
/** The clock wraps around after this many microseconds. */
const wrap = 10 ** digits;
const filler = ' token ';

/** Microseconds of the monotonic clock, modulo `wrap`. */
export function nowMicros(): number {
  const [seconds, nanos] = process.hrtime();
  return (seconds * 1e6 + Math.floor(nanos / 1000)) % wrap;
}

/** Formats a delta with its send time. */
export function stampedDelta(micros: number): string {
  return String(micros).padStart(digits, '0') + filler;
}

/** Returns the ages in milliseconds of all deltas in a chunk's text. */
export function agesMs(text: string, micros: number): number[] {
  const ages: number[] = [];
  for (let at = 0; at + deltaLength <= text.length; at += deltaLength) {
    const sent = Number(text.slice(at, at + digits));
    ages.push(((micros - sent + wrap) % wrap) / 1000);
  }
  return ages;
}
