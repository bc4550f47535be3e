/**
 * Converts token usage of providers to the log's shape. Runs once per stream, so a schema is fast enough. Shape:
 * https://platform.openai.com/docs/api-reference/chat-streaming and, for DeepSeek's name of cached tokens,
 * https://api-docs.deepseek.com/guides/kv_cache
 */
import { z } from 'zod';
import type { Usage } from '../../../machines/log.ts';

/** A count beyond this is no count: sums of it would lose precision, or become infinite. */
const MAX_TOKENS = 1e12;
const count = z.number().nonnegative().max(MAX_TOKENS).catch(0);
const part = z.number().max(MAX_TOKENS).optional().catch(undefined);

const reported = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_cache_hit_tokens: part,
  prompt_tokens_details: z.object({ cached_tokens: part, cache_write_tokens: part }).nullish().catch(null),
  completion_tokens_details: z.object({ reasoning_tokens: part }).nullish().catch(null),
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
  const written = prompt_tokens_details?.cache_write_tokens;
  const reasoning = completion_tokens_details?.reasoning_tokens;
  return {
    prompt_tokens,
    completion_tokens,
    // Some providers do not send the sum.
    total_tokens: total_tokens || prompt_tokens + completion_tokens,
    ...(cached ? { cached_tokens: cached } : {}),
    ...(written ? { cache_write_tokens: written } : {}),
    ...(reasoning ? { reasoning_tokens: reasoning } : {}),
  };
}
