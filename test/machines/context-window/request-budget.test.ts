/** Checks how the context window is divided, and which tools fit. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fairShare } from '../../../machines/context-window/fair-share.ts';
import {
  requestBudget,
  shorterBudget,
  toolBudget,
  type WindowLimits,
} from '../../../machines/context-window/request-budget.ts';

describe('the budget of a request', () => {
  const limits: WindowLimits = { maxTokens: 32_000, reserveTokens: 4_000, answerTokens: null, limitTokens: null };
  const rows: [name: string, limits: Partial<WindowLimits>, budget: number][] = [
    ['is what the answer leaves', {}, 28_000],
    ['leaves room for a longer answer of the block', { answerTokens: 8_000 }, 24_000],
    ['keeps the reserve beside a shorter answer', { answerTokens: 100 }, 28_000],
    ['keeps a quarter beside an answer as long as the window', { answerTokens: 64_000 }, 8_000],
    ['is that of the learned limit', { limitTokens: 8_000 }, 6_000],
    ['reserves what is configured if that is less', { limitTokens: 8_000, reserveTokens: 1_000 }, 7_000],
    ['leaves room for the answer within the learned limit', { limitTokens: 8_000, answerTokens: 3_000 }, 5_000],
    ['ignores a learned limit above the window', { limitTokens: 128_000 }, 28_000],
    ['obeys a reserve that is nearly the window', { maxTokens: 1_000, reserveTokens: 990 }, 10],
  ];
  for (const [name, changes, budget] of rows)
    it(name, () => assert.equal(requestBudget({ ...limits, ...changes }), budget));
});

describe('the budget of the tools', () => {
  it('leaves a quarter of the request for messages', () => assert.equal(toolBudget(8_000, 1_000), 5_000));
  it('is nothing beside a large system prompt', () => assert.equal(toolBudget(8_000, 7_000), 0));
});

describe('the budget of a shorter request', () => {
  it('is half without a limit', () => assert.deepEqual(shorterBudget(1_001, {}), { tokens: 500, isHalf: true }));
  it('shrinks in proportion to the numbers of the provider', () =>
    assert.deepEqual(shorterBudget(10_000, { context_tokens: 8_000, request_tokens: 16_000 }), {
      tokens: 4_500,
      isHalf: false,
    }));
  it('shrinks to the limit without the count of the provider', () =>
    assert.deepEqual(shorterBudget(10_000, { context_tokens: 8_000 }), { tokens: 7_200, isHalf: false }));
  it('is half if the estimate is within the limit', () =>
    assert.deepEqual(shorterBudget(6_000, { context_tokens: 8_000 }), { tokens: 3_000, isHalf: true }));
  it('is smaller also if the answer is what does not fit', () =>
    assert.deepEqual(shorterBudget(1_000, { context_tokens: 8_000, request_tokens: 1_000 }), {
      tokens: 900,
      isHalf: false,
    }));
});

describe('the tools that fit', () => {
  const tool = (server: string, index: number, tokens = 100) => ({
    name: `${server}${index}`,
    server,
    tokens,
  });
  const many = Array.from({ length: 50 }, (_, index) => tool('a', index));
  const few = [tool('b', 0), tool('b', 1)];
  const fit = (tools: ReturnType<typeof tool>[], budget: number) =>
    fairShare(tools, budget, ({ tokens }) => tokens).map(({ name }) => name);

  it('are all within the budget', () => assert.equal(fit([...many, ...few], 5_200).length, 52));
  it('include those of a small server beside a large one', () => {
    const fitting = fit([...many, ...few], 1_000);
    assert.equal(fitting.length, 10);
    assert.ok(fitting.includes('b0') && fitting.includes('b1') && fitting.includes('a7') && !fitting.includes('a8'));
  });
  it('pass over a tool that is too large', () =>
    assert.deepEqual(fit([tool('a', 0, 5_000), tool('a', 1)], 1_000), ['a1']));
  it('are none without room', () => assert.equal(fit(many, 0).length, 0));
});
