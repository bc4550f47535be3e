/**
 * Sums the usage of answers (tokens, and cost if there is a price) over a turn and a conversation, and compares it with
 * budgets. Pure. Prices are not known here.
 */
import type { ModelAnswer } from './conversation/hop-answers.ts';
import type { Fault, HopUsage, Usage } from './log.ts';
import { chartFault } from './faults.ts';

/** The sums so far. `cost` is in the unit of the prices; 0 without prices. */
export interface Spent {
  tokens: number;
  cost: number;
}

/** The limits. Null: no limit. */
export interface Budgets {
  turn: { tokens: number | null; cost: number | null };
  conversation: { tokens: number | null; cost: number | null };
}

const NOTHING: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

/** Costs are rounded to these digits, because floating-point sums collect errors. */
const COST_DIGITS = 9;

/** The cost without the noise of floating-point sums. */
export function roundCost(cost: number): number {
  return Number(cost.toFixed(COST_DIGITS));
}

/** The sum is an estimate if one part is. Its cost is the cost of the parts that have one. */
export function addUsage(a: Usage | null, b: Usage | null): Usage | null {
  if (!a || !b) return a ?? b;
  const sum: Usage = {
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
    total_tokens: a.total_tokens + b.total_tokens,
  };
  if (a.cached_tokens !== undefined || b.cached_tokens !== undefined)
    sum.cached_tokens = (a.cached_tokens ?? 0) + (b.cached_tokens ?? 0);
  if (a.cache_write_tokens !== undefined || b.cache_write_tokens !== undefined)
    sum.cache_write_tokens = (a.cache_write_tokens ?? 0) + (b.cache_write_tokens ?? 0);
  if (a.reasoning_tokens !== undefined || b.reasoning_tokens !== undefined)
    sum.reasoning_tokens = (a.reasoning_tokens ?? 0) + (b.reasoning_tokens ?? 0);
  if (a.cost !== undefined || b.cost !== undefined) sum.cost = roundCost((a.cost ?? 0) + (b.cost ?? 0));
  if (a.estimated || b.estimated) sum.estimated = true;
  return sum;
}

/** The sum over hops. Zeros for no hops. */
export function sumOf(hops: readonly HopUsage[]): Usage {
  return hops.reduce<Usage | null>((sum, { usage }) => addUsage(sum, usage), null) ?? NOTHING;
}

/** The usage of a turn, with that of its current answer. */
export function usedBy({
  used,
  hops,
  answer,
}: {
  used: readonly HopUsage[];
  hops: number;
  answer: ModelAnswer | null;
}): readonly HopUsage[] {
  return answer?.usage ? [...used, { hop: hops, model: answer.model, usage: answer.usage }] : used;
}

/** What a conversation has spent after one more answer. An answer without usage adds nothing. */
export function spend({ tokens, cost }: Spent, { usage }: Pick<ModelAnswer, 'usage'>): Spent {
  return { tokens: tokens + (usage?.total_tokens ?? 0), cost: roundCost(cost + (usage?.cost ?? 0)) };
}

const REMEDIES = { turn: 'Ask for less in one turn', conversation: 'Begin a new conversation' } as const;

/** The fault `budget_exceeded`. Null while every budget has room for a further request. Its size is unknown before, so it may exceed the budget. */
export function budgetFault(budgets: Budgets, turn: readonly HopUsage[], conversation: Spent): Fault | null {
  const { total_tokens: tokens, cost = 0 } = sumOf(turn);
  const spent = { turn: { tokens, cost }, conversation };
  for (const scope of ['turn', 'conversation'] as const) {
    for (const unit of ['tokens', 'cost'] as const) {
      const limit = budgets[scope][unit];
      const used = spent[scope][unit];
      if (limit === null || used < limit) continue;
      const amount = unit === 'tokens' ? `${used} of ${limit} tokens` : `${used} of ${limit} in cost`;
      const message = `The ${scope} has used up its budget: ${amount}. ${REMEDIES[scope]}, or raise chat.service.budget.${scope}_${unit}.`;
      return chartFault('budget_exceeded', message, { budget: `${scope}_${unit}`, limit, used });
    }
  }
  return null;
}
