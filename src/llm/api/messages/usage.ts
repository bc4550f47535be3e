/** Converts the usage of the Messages API to that of chat completions, which one place checks and converts further. */
import type { Usage } from '../../../../machines/log.ts';
import { isObject, type JsonObject } from '../../../json.ts';
import { readUsage } from '../../stream/usage.ts';

/** Null if there are no counts. `input_tokens` is without what was read from the cache or written to it. */
export function readMessagesUsage(usage: JsonObject): Usage | null {
  const count = (name: string) => (typeof usage[name] === 'number' ? usage[name] : 0);
  const read = count('cache_read_input_tokens');
  const written = count('cache_creation_input_tokens');
  const details = isObject(usage['output_tokens_details']) ? usage['output_tokens_details'] : {};
  return readUsage({
    prompt_tokens: count('input_tokens') + read + written,
    completion_tokens: count('output_tokens'),
    total_tokens: 0,
    prompt_tokens_details: { cached_tokens: read, cache_write_tokens: written },
    completion_tokens_details: { reasoning_tokens: details['thinking_tokens'] },
  });
}
