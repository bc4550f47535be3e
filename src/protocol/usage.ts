/**
 * Token usage as it comes back from the log and as clients are told it: checked wherever a stored row is read.
 */
import { z } from 'zod';
import type { Usage } from '../../machines/log.ts';

/** The stored form of `Usage`, key for key. */
export const usageSchema = z.object({
  prompt_tokens: z.number().describe('Tokens that the model was sent.'),
  completion_tokens: z.number().describe('Tokens that it wrote.'),
  total_tokens: z.number().describe('Both.'),
  cached_tokens: z.number().exactOptional().describe('Of those sent, the ones that the provider had from before.'),
  reasoning_tokens: z.number().exactOptional().describe('Of those written, the ones of its reasoning.'),
  cost: z
    .number()
    .exactOptional()
    .describe('What that costs, in the unit of the prices in the configuration; absent where the model has none.'),
  estimated: z.literal(true).exactOptional().describe('Parley has counted by itself: the provider told nothing.'),
}) satisfies z.ZodType<Usage>;
