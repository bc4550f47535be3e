/**
 * Reads how long a provider asks to wait, from its response headers. `retry-after` is RFC 9110, section 10.2.3.
 * `retry-after-ms` is OpenAI's and Azure's finer form.
 */

/** A longer wait is a spent quota or a mistake. */
const longestMs = 10 * 60_000;

/** Milliseconds from now, at most ten minutes. Null without a valid header, and for 0 or a past time: a failed request is not repeated without a delay. */
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
