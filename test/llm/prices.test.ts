/** Tests the cost of answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCost, type Prices } from '../../src/llm/providers/prices.ts';

const prices: Prices = new Map([
  ['plain', { input: 2, cachedInput: null, cacheWrite: null, output: 10 }],
  ['cached', { input: 2, cachedInput: 0.5, cacheWrite: 2.5, output: 10 }],
]);
const usage = { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 };
const costOf = (changes: object, model = 'cached') => withCost({ ...usage, ...changes }, prices, [model]).cost;

test('input and output have a price each, for a million tokens', () => {
  assert.deepEqual(withCost(usage, prices, ['plain']), { ...usage, cost: 0.003 });
});

test('what the provider had from before is cheaper where a price says so', () => {
  assert.equal(costOf({ cached_tokens: 800 }), 0.0018);
  assert.equal(costOf({ cached_tokens: 800 }, 'plain'), 0.003);
  assert.equal(costOf({ cached_tokens: 5_000 }), 0.0015, 'no more than there was input');
});

test('reasoning is output, whether the provider counts it within the completion or beside it', () => {
  assert.equal(costOf({ reasoning_tokens: 60 }), 0.003);
  assert.equal(costOf({ reasoning_tokens: 60, total_tokens: 1_160 }), 0.0036);
});

test('the price is that of the model that says it has answered, else of the one that was asked; without one there is no cost', () => {
  assert.equal(withCost(usage, prices, ['plain-2026-01-01', 'plain']).cost, 0.003);
  assert.equal(withCost(usage, prices, ['unknown']), usage);
});

test('an estimate has an estimated cost', () => {
  assert.deepEqual(withCost({ ...usage, estimated: true }, prices, ['plain']), {
    ...usage,
    estimated: true,
    cost: 0.003,
  });
});
