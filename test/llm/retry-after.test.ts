/** Tests how long a provider asks to wait, in each of its forms: headers, fields of the error, words. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readRetryAfter } from '../../src/llm/stream/retry-after.ts';

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000);
const read = (headers: Record<string, string>, body: object | null = null, message = 'slow down', status = 429) =>
  readRetryAfter(new Headers(headers), { status, body, message });

describe('the wait in headers', () => {
  const forms: [headers: Record<string, string>, waitMs: number | null][] = [
    [{ 'retry-after': '30s' }, 30_000],
    [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' }, 1_000],
    [
      {
        'x-ratelimit-remaining-requests': '5',
        'x-ratelimit-reset-requests': '10m',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '6m0s',
      },
      360_000,
    ],
    [{ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '120ms' }, 120],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '7' }, 7_000],
    [{ 'x-ratelimit-remaining': '4', 'x-ratelimit-reset': '7' }, null],
    [{ 'retry-after': '2', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '7' }, 2_000],
  ];
  for (const [headers, waitMs] of forms)
    it(`is ${String(waitMs)} for ${JSON.stringify(headers)}`, () => assert.equal(read(headers), waitMs));

  for (const [form, headers] of [
    ['seconds since the epoch', { 'x-ratelimit-reset': String(Math.floor(inSeconds(30).getTime() / 1_000)) }],
    ['milliseconds since the epoch', { 'x-ratelimit-reset': String(inSeconds(30).getTime()) }],
    ['a date', { 'x-ratelimit-reset': inSeconds(30).toISOString() }],
  ] as const)
    it(`ends at a time: ${form}`, () => {
      const waitMs = read({ 'x-ratelimit-remaining': '0', ...headers }) ?? 0;
      assert.ok(waitMs > 1_000 && waitMs <= 31_000, String(waitMs));
    });

  it("is read from Anthropic's headers", () => {
    const reset = inSeconds(30).toISOString();
    const waitMs =
      read({ 'anthropic-ratelimit-tokens-remaining': '0', 'anthropic-ratelimit-tokens-reset': reset }) ?? 0;
    assert.ok(waitMs > 1_000 && waitMs <= 31_000, String(waitMs));
  });

  it('is none for a spent limit if the request failed for another reason', () =>
    assert.equal(read({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '7' }, null, 'oops', 500), null));
});

describe('the wait in the error', () => {
  const retryInfo = (retryDelay: string) => ({
    details: [{ reason: 'x' }, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }],
  });
  const forms: [body: object, waitMs: number | null][] = [
    [retryInfo('36s'), 36_000],
    [retryInfo('0.5s'), 500],
    [retryInfo('86400s'), 600_000],
    [retryInfo('0s'), null],
    [{ retry_after: 5 }, 5_000],
    [{ retry_after_ms: 250 }, 250],
    [{ metadata: { headers: { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '9' } } }, 9_000],
    [{ metadata: { headers: { 'Retry-After': '4' } } }, 4_000],
  ];
  for (const [body, waitMs] of forms)
    it(`is ${String(waitMs)} for ${JSON.stringify(body).slice(0, 80)}`, () => assert.equal(read({}, body), waitMs));

  it('gives way to the header', () => assert.equal(read({ 'retry-after': '1' }, retryInfo('36s')), 1_000));
});

describe('the wait in the message', () => {
  const forms: [message: string, waitMs: number | null][] = [
    ['Rate limit reached for model. Please try again in 7.66s. Visit the page', 7_660],
    ['Please try again in 2m59.56s. Need more?', 179_560],
    ['Please try again in 20ms.', 20],
    ['Requests have exceeded the rate limit. Please retry after 12 seconds.', 12_000],
    ['Please retry in 36.4s.', 36_400],
    ['Too many requests, try again in 3 minutes', 180_000],
    ['Try again in 1 hour', 600_000],
    ['Try again in a while', null],
    ['Try again in 3 attempts', null],
  ];
  for (const [message, waitMs] of forms)
    it(`is ${String(waitMs)}: ${message}`, () => assert.equal(read({}, null, message), waitMs));
});
