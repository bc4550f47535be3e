/** Lists the keys that have a new name. A file that states an old one is refused, and the message gives the new one. */
import { ownValue } from '../json.ts';
import { dotted, type KeyPath } from './places.ts';

/** Old key to new key. `*` stands for the name of a provider. */
export const renamedKeys: Readonly<Record<string, string>> = {
  'chat.service.recovery.concurrency': 'chat.service.recovery.max_concurrent',
  'chat.service.tools.concurrency': 'chat.service.tools.max_concurrent',
  'chat.service.warm_bytes': 'chat.service.log_cache_bytes',
  'inspect.linger': 'inspect.keep_after_last_viewer',
  'inspect.texts': 'inspect.include_content',
  'llm.providers.*.echo_reasoning': 'llm.providers.*.pass_back_reasoning',
  'logging.texts': 'logging.include_content',
  'mcp.resources_in_prompt.named': 'mcp.resources_in_prompt.max_listed',
  'mcp.resources_in_prompt.wait': 'mcp.resources_in_prompt.timeout',
  'repository.max_waiting': 'repository.max_queued_writes',
};

/** The new name of the key at `path`, from the root; null if the key has none. */
export function renamedTo(path: KeyPath): string | null {
  const [section, group, name] = path;
  if (section !== 'llm' || group !== 'providers' || name === undefined)
    return ownValue(renamedKeys, dotted(path)) ?? null;
  const key = dotted([section, group, '*', ...path.slice(3)]);
  return ownValue(renamedKeys, key)?.replace('*', String(name)) ?? null;
}
