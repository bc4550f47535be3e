/** Tests the delays between tries: their growth, cap and jitter. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBackoff } from '../../src/client/backoff.ts';

test('the backoff doubles delays up to the cap', () => {
  const backoff = createBackoff({ minMs: 100, maxMs: 1_000, jitter: 0.5, random: () => 0 });
  assert.deepEqual([0, 1, 2, 3, 4, 5, 2_000].map(backoff), [100, 200, 400, 800, 1_000, 1_000, 1_000]);
});

test('jitter subtracts at most its share, and never adds', () => {
  fc.assert(
    fc.property(
      fc.nat(60),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, jitter, chance) => {
        const full = Math.min(10_000, 200 * 2 ** attempt);
        const delayMs = createBackoff({ minMs: 200, maxMs: 10_000, jitter, random: () => chance })(attempt);
        assert.ok(delayMs <= full && delayMs >= full * (1 - jitter) && delayMs >= 0, `${delayMs} of ${full}`);
      },
    ),
    { seed: 7, numRuns: 500 },
  );
});

test('jitter spreads the reconnects of clients that lost the same server', () => {
  let draw = 0;
  const backoff = createBackoff({ minMs: 1_000, maxMs: 1_000, jitter: 0.5, random: () => (draw++ % 10) / 10 });
  assert.deepEqual(new Set(Array.from({ length: 10 }, () => backoff(3))).size, 10);
});
