/** Checks the comparison of what a subject has with its quotas: at the limit, above it, and when it is free again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noQuotas, quotaFault, type QuotaUse, type Quotas } from '../../machines/quota.ts';

/** 20 s before the end of a minute, and 60 s and 20 s before the end of a UTC day. */
const NOW_MS = Date.UTC(2026, 0, 1, 23, 58, 40);

const judge = (quotas: Partial<Quotas>, used: QuotaUse, wanted: QuotaUse) =>
  quotaFault({ ...noQuotas, ...quotas }, used, wanted, NOW_MS)?.data ?? null;

describe('a quota', () => {
  it('without a limit allows everything', () => {
    assert.equal(judge({}, { conversations: 1e15 }, { conversations: 1 }), null);
  });

  it('is no limit for what is not wanted', () => {
    assert.equal(judge({ conversations: 1 }, { conversations: 5 }, { turns_per_minute: 1 }), null);
  });

  const cases = [
    { quota: 'turns_per_minute', limit: 2, more: 1, room: 1, full: 2, waitMs: 20_000 },
    { quota: 'tokens_per_day', limit: 100, more: 0, room: 99, full: 100, waitMs: 80_000 },
    { quota: 'cost_per_day', limit: 0.3, more: 0, room: 0.29, full: 0.3, waitMs: 80_000 },
    { quota: 'forks_per_day', limit: 1, more: 1, room: 0, full: 1, waitMs: 80_000 },
    { quota: 'conversations', limit: 3, more: 1, room: 2, full: 3 },
    { quota: 'stored_bytes', limit: 1000, more: 500, room: 500, full: 501 },
    { quota: 'live_conversations', limit: 1, more: 1, room: 0, full: 1 },
  ] as const;
  for (const { quota, limit, more, room, full, ...rest } of cases)
    it(`${quota} has room up to its limit, and says what is used${'waitMs' in rest ? ' and when it is free again' : ''}`, () => {
      assert.equal(judge({ [quota]: limit }, { [quota]: room }, { [quota]: more }), null);
      assert.deepEqual(judge({ [quota]: limit }, { [quota]: full }, { [quota]: more }), {
        quota,
        limit,
        used: full,
        ...('waitMs' in rest ? { retry_after_ms: rest.waitMs } : {}),
      });
    });
});
