/** Checks the sums of usage and cost, and the budgets that limit them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HopUsage, Usage } from '../../machines/log.ts';
import { addUsage, budgetFault, spend, sumOf, type Budgets } from '../../machines/usage.ts';
import { noBudgets, someUsage } from '../support/machines/values.ts';

const hop = (usage: Usage): HopUsage => ({ hop: 0, model: 'model-1', usage });

test('usage is summed field by field, and is an estimate if any part is one', () => {
  const estimated: Usage = { ...someUsage, estimated: true };
  const cached: Usage = { ...someUsage, cached_tokens: 3, reasoning_tokens: 1 };
  assert.deepEqual(addUsage(someUsage, estimated), {
    prompt_tokens: 20,
    completion_tokens: 4,
    total_tokens: 24,
    estimated: true,
  });
  assert.deepEqual(addUsage(cached, someUsage), {
    prompt_tokens: 20,
    completion_tokens: 4,
    total_tokens: 24,
    cached_tokens: 3,
    reasoning_tokens: 1,
  });
  assert.equal(addUsage(null, someUsage), someUsage);
  assert.equal(addUsage(null, null), null);
});

test('costs are summed without floating-point errors, and a part without a price adds none', () => {
  assert.equal(sumOf([hop({ ...someUsage, cost: 0.1 }), hop({ ...someUsage, cost: 0.2 }), hop(someUsage)]).cost, 0.3);
  assert.deepEqual(sumOf([hop(someUsage), hop(someUsage)]), {
    prompt_tokens: 20,
    completion_tokens: 4,
    total_tokens: 24,
  });
  assert.deepEqual(sumOf([]), { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
  assert.deepEqual(
    [{ usage: { ...someUsage, cost: 0.1 } }, { usage: null }, { usage: { ...someUsage, cost: 0.2 } }].reduce(spend, {
      tokens: 1,
      cost: 0,
    }),
    { tokens: 25, cost: 0.3 },
  );
});

describe('a budget', () => {
  const used = [hop({ ...someUsage, cost: 0.5 })];
  const of = (changes: Partial<Budgets>) => budgetFault({ ...noBudgets, ...changes }, used, { tokens: 100, cost: 2 });

  test('allows requests until the last token is used', () => {
    assert.equal(of({}), null);
    assert.equal(of({ turn: { tokens: 13, cost: 0.6 }, conversation: { tokens: 101, cost: 2.1 } }), null);
  });

  for (const [name, budgets, key, used] of [
    ['of tokens for a turn', { turn: { tokens: 12, cost: null } }, 'turn_tokens', 12],
    ['of cost for a turn', { turn: { tokens: null, cost: 0.5 } }, 'turn_cost', 0.5],
    ['of tokens for a conversation', { conversation: { tokens: 99, cost: null } }, 'conversation_tokens', 100],
    ['of cost for a conversation', { conversation: { tokens: null, cost: 1 } }, 'conversation_cost', 2],
  ] as const) {
    test(`${name} that is spent is a fault that names its key`, () => {
      const found = of(budgets);
      assert.deepEqual(
        [found?.code, found?.data['budget'], found?.data['used'], found?.retryable],
        ['budget_exceeded', key, used, false],
      );
      assert.ok(found?.message.includes(`raise chat.service.budget.${key}.`), found?.message);
    });
  }
});
