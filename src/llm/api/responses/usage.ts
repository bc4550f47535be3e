/** Converts the usage of the Responses API to that of chat completions, which one place checks and converts further. */
import type { Usage } from '../../../../machines/log.ts';
import { isObject } from '../../../json.ts';
import { readUsage } from '../../stream/usage.ts';

/** Null if `value` has no counts. */
export function readResponsesUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null;
  return readUsage({
    prompt_tokens: value['input_tokens'],
    completion_tokens: value['output_tokens'],
    total_tokens: value['total_tokens'],
    prompt_tokens_details: value['input_tokens_details'],
    completion_tokens_details: value['output_tokens_details'],
  });
}
