/**
 * How long a provider asks to be left alone, from its response headers.
 * `retry-after` is RFC 9110 section 10.2.3; `retry-after-ms` is OpenAI's and Azure's finer form.
 */

/** A wish beyond this is a spent quota or a mistake; nobody plans with it. */
const longestMs = 10 * 60_000;

/** Milliseconds from now, at most ten minutes; null without a legible wish. "At once", or a moment gone by, is none: what has just failed is not asked again without a pause. */
export function readRetryAfter(headers: Headers | undefined): number | null {
  const fine = headers?.get('retry-after-ms');
  if (isNumeric(fine)) return bounded(Number(fine));
  const coarse = headers?.get('retry-after');
  if (isNumeric(coarse)) return bounded(Number(coarse) * 1_000);
  const date = Date.parse(coarse ?? '');
  return Number.isNaN(date) ? null : bounded(date - Date.now());
}

function isNumeric(text: string | null | undefined): text is string {
  return text !== null && text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text);
}

function bounded(ms: number): number | null {
  return ms <= 0 ? null : Math.min(Math.ceil(ms), longestMs);
}
