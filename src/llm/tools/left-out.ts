/** Decides which tools a model does not get, and explains it. Pure. */
import type { ChatCompletionTool } from 'openai/resources/chat/completions';
import { fairShare } from '../../../machines/context-window/fair-share.ts';
import type { OfferedTool } from '../port.ts';
import type { Provider } from '../providers/provider.ts';
import { declarationKey } from '../stream/rejected-tools.ts';
import { declareTools } from './declare-tools.ts';

/** The reason for a tool whose declaration the model has rejected, as the end of a sentence. */
export const REJECTED = 'the model rejects the declaration';

/** `rejected`: the keys of declarations that the model has rejected. Returns the names, each with the reason. */
export function leftOutTools(
  tools: readonly OfferedTool[],
  { name, toolLimits }: Pick<Provider, 'name' | 'toolLimits'>,
  rejected: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const refused = rejected.size === 0 ? [] : rejectedAmong(tools, toolLimits.maxDescriptionChars, rejected);
  const accepted = tools.filter((tool) => !refused.includes(tool));
  const kept = new Set(fairShare(accepted, toolLimits.maxTools));
  const tooMany = accepted.filter((tool) => !kept.has(tool));
  return new Map([
    ...refused.map((tool) => [tool.name, REJECTED] as const),
    ...tooMany.map(
      (tool) => [tool.name, `a request takes ${toolLimits.maxTools} tools (llm.providers.${name}.max_tools)`] as const,
    ),
  ]);
}

function rejectedAmong(tools: readonly OfferedTool[], maxDescriptionChars: number, rejected: ReadonlySet<string>) {
  const declared = declareTools(tools.map(asFunction), maxDescriptionChars).tools;
  return tools.filter((_tool, index) => rejected.has(declarationKey(declared[index])));
}

/** The tool as a request to a model names it. */
export function asFunction({ name, description, inputSchema }: OfferedTool): ChatCompletionTool {
  return { type: 'function', function: { name, description, parameters: inputSchema } };
}

/** Names in one notice. The action `tools` lists all of them. */
const MAX_NAMES = 10;

/** A sentence for each reason, for people. `leftOut` has the names of tools with their reasons. */
export function explainLeftOut(leftOut: ReadonlyMap<string, string>, provider: string, model: string): string {
  const byReason = Map.groupBy(leftOut, ([, reason]) => reason);
  const sentences = [...byReason].map(([reason, entries]) => {
    const names = entries.slice(0, MAX_NAMES).map(([name]) => name);
    const more = entries.length > MAX_NAMES ? ` and ${entries.length - MAX_NAMES} more` : '';
    return `Not offered to model "${model}" of provider "${provider}", because ${reason}: ${names.join(', ')}${more}.`;
  });
  return sentences.join(' ');
}

/** A sentence for people about a model that rejects all tools. */
export function explainWithoutTools(provider: string, model: string): string {
  return `Model "${model}" of provider "${provider}" takes no tools. It is asked without them.`;
}
