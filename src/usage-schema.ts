/**
 * Token usage as it comes back from the log: checked wherever a stored row is read.
 */
import { z } from 'zod';
import type { Usage } from '../machines/log.ts';

/** The stored form of `Usage`, key for key. */
export const usageSchema = z.object({
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  total_tokens: z.number(),
  cached_tokens: z.number().exactOptional(),
  reasoning_tokens: z.number().exactOptional(),
  estimated: z.literal(true).exactOptional(),
}) satisfies z.ZodType<Usage>;
