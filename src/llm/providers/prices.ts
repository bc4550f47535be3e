/** Computes the cost of answers from the prices in a provider's block, and from usage that is reported or estimated. */
import type { Usage } from '../../../machines/log.ts';
import { roundCost } from '../../../machines/usage.ts';

/** Prices of a million tokens, in the user's unit. */
export interface Price {
  input: number;
  /** Of cached input. Null: as other input. */
  cachedInput: number | null;
  /** Of input that is written to the provider's cache. Null: as other input. */
  cacheWrite: number | null;
  output: number;
}

/** By model, as the provider spells it. */
export type Prices = ReadonlyMap<string, Price>;

const PER = 1_000_000;

/**
 * The usage with its cost. Unchanged if no model of `models` has a price; the first with a price counts. Output is the total
 * minus the input: some providers bill reasoning that is not in `completion_tokens`.
 */
export function withCost(usage: Usage, prices: Prices, models: readonly string[]): Usage {
  const price = models.map((model) => prices.get(model)).find((known) => known !== undefined);
  if (!price) return usage;
  const { prompt_tokens: input, completion_tokens: completion, total_tokens: total } = usage;
  const fromCache = Math.min(usage.cached_tokens ?? 0, input);
  const toCache = Math.min(usage.cache_write_tokens ?? 0, input - fromCache);
  const output = Math.max(completion, total - input);
  const cost =
    ((input - fromCache - toCache) * price.input +
      fromCache * (price.cachedInput ?? price.input) +
      toCache * (price.cacheWrite ?? price.input) +
      output * price.output) /
    PER;
  return { ...usage, cost: roundCost(cost) };
}
