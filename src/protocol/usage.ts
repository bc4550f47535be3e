/**
 * Defines token usage as the log stores it and clients get it. Every read of a stored row is checked with it.
 */
import { z } from 'zod';
import type { Usage } from '../../machines/log.ts';

/** The stored form of `Usage`, key for key. */
export const usageSchema = z.object({
  prompt_tokens: z.number().describe('Tokens sent to the model.'),
  completion_tokens: z.number().describe('Tokens written by the model.'),
  total_tokens: z.number().describe('Sum of both.'),
  cached_tokens: z.number().exactOptional().describe('Tokens sent that the provider had in its cache.'),
  cache_write_tokens: z.number().exactOptional().describe('Tokens sent that the provider wrote to its cache.'),
  reasoning_tokens: z.number().exactOptional().describe('Tokens written that were reasoning.'),
  cost: z
    .number()
    .exactOptional()
    .describe('Cost, in the unit of the configured prices. Absent if the model has no price.'),
  estimated: z
    .literal(true)
    .exactOptional()
    .describe('Parley counted the tokens, because the provider did not report them.'),
}) satisfies z.ZodType<Usage>;
