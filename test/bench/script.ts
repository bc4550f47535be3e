/**
 * What the scripted model and the load agree on. The text of every delta is the time at which the model
 * sent it, then filler, always of the same width, so that deltas that were merged into one frame can
 * still be told apart. Both ends read the machine's monotonic clock, which its processes share.
 */

/** A message that has this in it, or in its history, is answered without delay, whatever the model's path says. */
export const hurry = 'Hurry up!';

/** Characters of one delta. */
export const deltaLength = 16;

const digits = 9;
/** The clock starts again after this many microseconds: the largest number of that many digits. */
const wrap = 10 ** digits;
const filler = ' token ';

/** Microseconds of the monotonic clock, modulo `wrap`. */
export function nowMicros(): number {
  const [seconds, nanos] = process.hrtime();
  return (seconds * 1e6 + Math.floor(nanos / 1000)) % wrap;
}

/** One delta that says when it was sent. */
export function stampedDelta(micros: number): string {
  return String(micros).padStart(digits, '0') + filler;
}

/** The ages in milliseconds of all deltas in a chunk's text. */
export function agesMs(text: string, micros: number): number[] {
  const ages: number[] = [];
  for (let at = 0; at + deltaLength <= text.length; at += deltaLength) {
    const sent = Number(text.slice(at, at + digits));
    ages.push(((micros - sent + wrap) % wrap) / 1000);
  }
  return ages;
}
