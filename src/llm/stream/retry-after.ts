/**
 * Reads how long a provider asks to wait: from the headers, from fields of its error, or from its message. `retry-after` is RFC
 * 9110, section 10.2.3. The other forms are of single providers, named beside them.
 */
import { isObject, textOf, type JsonObject } from '../../json.ts';

/** A longer wait is a spent quota or a mistake. */
const longestMs = 10 * 60_000;

/** A header by its name in lower case; null if absent. */
type Header = (name: string) => string | null;

/** A rejected request. */
export interface Rejected {
  status: number | null;
  /** The error in the body. */
  body: unknown;
  message: string;
}

/**
 * Milliseconds from now, at most ten minutes. Null if nothing says so, and for 0 or a past time: a failed request is not
 * repeated without a delay.
 */
export function readRetryAfter(headers: Headers | undefined, { status, body, message }: Rejected): number | null {
  const header: Header = (name) => headers?.get(name) ?? null;
  const error = isObject(body) ? body : {};
  const found =
    numberOf(header('retry-after-ms')) ??
    waitOf(header('retry-after')) ??
    ofFields(error) ??
    durationOf(IN_MESSAGE.exec(message)?.[1] ?? null) ??
    // Last, because OpenAI's say when the limit is whole again, which is later than necessary.
    (status === 429 ? (ofResets(header) ?? ofResets(headersIn(error))) : null);
  return found === null || found <= 0 ? null : Math.min(Math.ceil(found), longestMs);
}

/** OpenAI, Groq: `try again in 2m59.56s`. Azure: `retry after 12 seconds`. Gemini: `retry in 36.4s`. */
const IN_MESSAGE =
  /\b(?:try again|retry|wait)(?:ing)? (?:in|after|for) (?:about )?((?:[\d.]{1,12} ?[a-z]{1,12} ?){1,4})/i;

/** Seconds, a duration or a date. */
function waitOf(text: string | null): number | null {
  const seconds = numberOf(text);
  if (seconds !== null) return seconds * 1_000;
  return durationOf(text) ?? untilDate(text);
}

function untilDate(text: string | null): number | null {
  const date = Date.parse(text ?? '');
  return Number.isNaN(date) ? null : date - Date.now();
}

/** Google's `RetryInfo`, and fields that other servers copy from the header. */
function ofFields(error: JsonObject): number | null {
  const details: readonly unknown[] = Array.isArray(error['details']) ? error['details'].slice(0, 10) : [];
  const delay = details.map((detail) => (isObject(detail) ? textOf(detail['retryDelay']) : null)).find(Boolean);
  return (
    durationOf(delay ?? null) ??
    numberOf(error['retry_after_ms']) ??
    waitOf(textOr(error['retry_after'] ?? error['retryAfter'])) ??
    waitOf(textOr(headersIn(error)('retry-after')))
  );
}

/** OpenRouter puts the headers of its provider into the error. */
function headersIn({ metadata }: JsonObject): Header {
  const headers = isObject(metadata) && isObject(metadata['headers']) ? Object.entries(metadata['headers']) : [];
  return (wanted) => textOr(headers.find(([name]) => name.toLowerCase() === wanted)?.[1]);
}

/** The times at which a spent limit begins again. OpenAI, Groq: of requests and of tokens. OpenRouter: of all. */
const RESETS: readonly (readonly [remaining: string, reset: string])[] = [
  ...['requests', 'tokens'].map((what) => [`x-ratelimit-remaining-${what}`, `x-ratelimit-reset-${what}`] as const),
  ['x-ratelimit-remaining', 'x-ratelimit-reset'],
  // https://docs.claude.com/en/api/rate-limits
  ...['requests', 'tokens', 'input-tokens', 'output-tokens'].map(
    (what) => [`anthropic-ratelimit-${what}-remaining`, `anthropic-ratelimit-${what}-reset`] as const,
  ),
];

/** The longest wait for a limit with nothing left. */
function ofResets(header: Header): number | null {
  const waits = RESETS.flatMap(([remaining, reset]) =>
    numberOf(header(remaining)) === 0 ? (untilReset(header(reset)) ?? []) : [],
  );
  return waits.length === 0 ? null : Math.max(...waits);
}

/** Seconds, seconds or ms since the epoch, a duration or a date. */
function untilReset(text: string | null): number | null {
  const number = numberOf(text);
  if (number === null) return waitOf(text);
  if (number > 1e12) return number - Date.now();
  return number > 1e9 ? number * 1_000 - Date.now() : number * 1_000;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['millisecond', 1],
  ['s', 1_000],
  ['sec', 1_000],
  ['second', 1_000],
  ['m', 60_000],
  ['min', 60_000],
  ['minute', 60_000],
  ['h', 3_600_000],
  ['hour', 3_600_000],
  ['d', 86_400_000],
  ['day', 86_400_000],
]);

/** `2m59.56s`, `20ms`, `12 seconds`. Ends before a word that is no unit. Null if the text begins with none. */
function durationOf(text: string | null): number | null {
  let sum: number | null = null;
  for (const [, amount = '', unit = ''] of (text ?? '')
    .slice(0, 60)
    .matchAll(/(\d{1,9}(?:\.\d{1,9})?) ?([a-z]{1,12})/gi)) {
    const word = unit.toLowerCase();
    const ms = UNITS.get(word) ?? UNITS.get(word.replace(/s$/, ''));
    if (ms === undefined) break;
    sum = (sum ?? 0) + Number(amount) * ms;
  }
  return sum;
}

function textOr(value: unknown): string | null {
  return typeof value === 'number' ? String(value) : textOf(value);
}

/** A number, also as text. */
function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\s{0,9}\d{1,20}(\.\d{1,20})?\s{0,9}$/.test(value) ? Number(value) : null;
}
