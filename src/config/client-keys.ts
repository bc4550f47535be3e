/**
 * Lists keys of a provider's block that other programs have for their HTTP client. No API takes them in a request, so
 * Parley reports them instead of sending them.
 */
import type { KeyPath } from './places.ts';

const limitsHere = 'this block has max_concurrent and requests_per_minute instead';
const timeoutsElsewhere = 'llm has connect_timeout, first_byte_timeout and stall_timeout for all providers';
const retriesElsewhere = 'llm.retry has the retries for all providers';

/** Key to the advice about it. */
export const clientKeys: ReadonlyMap<string, string> = new Map([
  ['choice_index', 'remove it: Parley reads the first choice'],
  ['http_client', `remove it: ${limitsHere}, and llm has connect_timeout, stall_timeout and retry for all providers`],
  ['max_connections', `remove it: ${limitsHere}`],
  ['max_keepalive', 'remove it: Parley reuses connections by itself'],
  ['max_keepalive_connections', 'remove it: Parley reuses connections by itself'],
  ['keepalive_expiry', 'remove it: Parley reuses connections by itself'],
  ['connect_timeout', `remove it: ${timeoutsElsewhere}`],
  ['read_timeout', `remove it: ${timeoutsElsewhere}`],
  ['write_timeout', `remove it: ${timeoutsElsewhere}`],
  ['pool_timeout', `remove it: ${timeoutsElsewhere}`],
  ['concurrent_requests', `remove it: ${limitsHere}`],
  ['timeout', `remove it: ${timeoutsElsewhere}`],
  ['request_timeout', `remove it: ${timeoutsElsewhere}`],
  ['max_retries', `remove it: ${retriesElsewhere}`],
  ['num_retries', `remove it: ${retriesElsewhere}`],
  ['backoff_factor', `remove it: ${retriesElsewhere}`],
  ['retries', `remove it: ${retriesElsewhere}`],
  ...['api_base', 'url', 'endpoint', 'host'].map((key) => [key, 'the address is base_url'] as const),
  ...['api_type', 'type', 'kind'].map(
    (key) => [key, 'remove it: Parley has a preset for each kind, such as azure'] as const,
  ),
  ...['key', 'token', 'api_token', 'secret'].map(
    (key) => [key, 'remove it: API keys come only from the environment (api_key_env names the variable)'] as const,
  ),
  ...['context_window', 'context_length', 'max_context_tokens', 'max_input_tokens'].map(
    (key) => [key, 'the window is chat.service.context.max_tokens'] as const,
  ),
  ['enabled', 'remove it: llm.active and llm.fallback name the providers that are used'],
  ['stream', 'remove it: Parley always asks for a stream'],
  ['streaming', 'remove it: Parley always asks for a stream'],
  ['messages', 'remove it: Parley sends the messages of the conversation'],
  ['system_prompt', 'the prompt is chat.service.system_prompt'],
  ['model_name', 'the model is model'],
  ['default_headers', 'the headers are headers'],
  ['extra_headers', 'the headers are headers'],
  ['organization', 'put OpenAI-Organization into headers'],
  ['project', 'put OpenAI-Project into headers'],
]);

/** The advice about the key at `path`, from the root; null if there is none. */
export function clientKeyAdvice(path: KeyPath): string | null {
  const [section, group, , key] = path;
  if (section !== 'llm' || group !== 'providers' || path.length !== 4) return null;
  return clientKeys.get(String(key)) ?? null;
}
