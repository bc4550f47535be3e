/**
 * What answers cost, by the prices in a provider's block. Usage goes in as the provider told it, or as Parley has
 * estimated it, and comes out with its cost.
 */
import type { Usage } from '../../../machines/log.ts';
import { roundCost } from '../../../machines/usage.ts';

/** Of a million tokens each, in whatever unit its owner counts. */
export interface Price {
  input: number;
  /** Of what the provider had from before; null: like any other input. */
  cachedInput: number | null;
  output: number;
}

/** By model, in the provider's spelling. */
export type Prices = ReadonlyMap<string, Price>;

const PER = 1_000_000;

/**
 * The usage with its cost; unchanged where no model of `models`, the one that says it has answered first, has a
 * price. Output is what the total has beyond the input: some providers count reasoning there and not in
 * `completion_tokens`, and bill it.
 */
export function withCost(usage: Usage, prices: Prices, models: readonly string[]): Usage {
  const price = models.map((model) => prices.get(model)).find((known) => known !== undefined);
  if (!price) return usage;
  const { prompt_tokens: input, completion_tokens: completion, total_tokens: total, cached_tokens: cached = 0 } = usage;
  const fromCache = Math.min(cached, input);
  const output = Math.max(completion, total - input);
  const cost =
    ((input - fromCache) * price.input + fromCache * (price.cachedInput ?? price.input) + output * price.output) / PER;
  return { ...usage, cost: roundCost(cost) };
}
