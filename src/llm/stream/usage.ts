/**
 * Converts token usage of providers to the log's shape. Runs once per stream, so a schema is fast enough. Shape:
 * https://platform.openai.com/docs/api-reference/chat-streaming and, for DeepSeek's name of cached tokens,
 * https://api-docs.deepseek.com/guides/kv_cache
 */
import { z } from 'zod';
import type { Usage } from '../../../machines/log.ts';

const count = z.number().nonnegative().catch(0);

const reported = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_cache_hit_tokens: z.number().optional().catch(undefined),
  prompt_tokens_details: z
    .object({ cached_tokens: z.number().optional().catch(undefined) })
    .nullish()
    .catch(null),
  completion_tokens_details: z
    .object({ reasoning_tokens: z.number().optional().catch(undefined) })
    .nullish()
    .catch(null),
});

/** Null if `value` has no counts. */
export function readUsage(value: unknown): Usage | null {
  const parsed = reported.safeParse(value);
  if (!parsed.success) return null;
  const {
    prompt_tokens,
    completion_tokens,
    total_tokens,
    prompt_cache_hit_tokens,
    prompt_tokens_details,
    completion_tokens_details,
  } = parsed.data;
  if (prompt_tokens + completion_tokens + total_tokens === 0) return null;
  const cached = prompt_tokens_details?.cached_tokens ?? prompt_cache_hit_tokens;
  const reasoning = completion_tokens_details?.reasoning_tokens;
  return {
    prompt_tokens,
    completion_tokens,
    // Some providers do not send the sum.
    total_tokens: total_tokens || prompt_tokens + completion_tokens,
    ...(cached ? { cached_tokens: cached } : {}),
    ...(reasoning ? { reasoning_tokens: reasoning } : {}),
  };
}
