/** Tests the token bucket, with its own time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTokenBucket } from '../../src/scheduling/token-bucket.ts';

describe('a token bucket', () => {
  test('allows a burst, then the average', () => {
    const budget = createTokenBucket({ perSecond: 2, burst: 3 });
    const taken = [0, 0, 0, 0, 400, 500, 500, 1000].map((nowMs) => budget.take(10_000 + nowMs));
    assert.deepEqual(taken, [true, true, true, false, false, true, false, true]);
  });

  test('forgives with time, and never holds more than a burst', () => {
    const budget = createTokenBucket({ perSecond: 20 / 60, burst: 20 });
    for (let day = 0; day < 100; day += 1) assert.ok(budget.take(day * 3000), `frame ${day}`);
    const later = 10_000_000;
    assert.equal(Array.from({ length: 30 }, () => budget.take(later)).filter(Boolean).length, 20);
  });

  test('of nothing allows nothing', () => {
    assert.equal(createTokenBucket({ perSecond: 0, burst: 0 }).take(1_000_000), false);
  });
});
