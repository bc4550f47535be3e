/**
 * What a model has thought goes back to providers that refuse a tool hop without it, under the name that each of
 * them has for it; all others get the plain messages, because strict ones refuse a field that they do not know.
 * What there is to send back is the log's: rows keep the thoughts, and the context brings them with each message.
 */
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import type { Reasoning } from '../../machines/context-window/model-messages.ts';
import { isObject, type JsonObject } from '../json.ts';

/**
 * What a provider gives beside its words. It goes into the log and comes back from there; between the two nobody
 * looks into it.
 */
export interface Signatures {
  /** Thoughts in parts, signed or encrypted (`reasoning_details`). */
  details?: readonly JsonObject[];
  /** What stood in each call beside name and arguments (`extra_content`); null where nothing did. */
  calls?: readonly (JsonObject | null)[];
}

/** null: nothing worth keeping. */
export function signaturesOf(details: readonly JsonObject[], calls: readonly (JsonObject | null)[]): Signatures | null {
  const found: Signatures = {
    ...(details.length > 0 ? { details } : {}),
    ...(calls.some((call) => call !== null) ? { calls } : {}),
  };
  return Object.keys(found).length > 0 ? found : null;
}

/** Where thoughts stand in a message: three fields of the message, and one of each tool call. */
export const reasoningFields = ['reasoning_content', 'reasoning', 'reasoning_details', 'extra_content'] as const;
export type ReasoningField = (typeof reasoningFields)[number];

/** A message with what the model thought of it. */
export type MessageWithReasoning = ChatCompletionMessageParam & { thoughts?: Reasoning };

/** Known endpoints that want their thoughts back. Any other says so in `pass_back_reasoning`. */
const knownHosts: ReadonlyMap<string, readonly ReasoningField[]> = new Map<string, readonly ReasoningField[]>([
  // Without it, 400: https://api-docs.deepseek.com/guides/thinking_mode
  ['api.deepseek.com', ['reasoning_content']],
  // https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model
  ['api.moonshot.ai', ['reasoning_content']],
  ['api.moonshot.cn', ['reasoning_content']],
  // https://openrouter.ai/docs/use-cases/reasoning-tokens
  ['openrouter.ai', ['reasoning_details']],
  // https://ai.google.dev/gemini-api/docs/thought-signatures
  ['generativelanguage.googleapis.com', ['extra_content']],
]);

export function knownReasoningFields(baseUrl: string): readonly ReasoningField[] {
  return knownHosts.get(URL.parse(baseUrl)?.hostname ?? '') ?? [];
}

/** The messages as a provider with these fields takes them. Where there is nothing to add and nothing to leave out, they are not copied. */
export function withReasoning(
  messages: readonly MessageWithReasoning[],
  fields: readonly ReasoningField[],
): ChatCompletionMessageParam[] {
  return messages.map((thoughtful) => {
    if (thoughtful.role !== 'assistant' || (fields.length === 0 && thoughtful.thoughts === undefined))
      return thoughtful;
    const { thoughts, ...message } = thoughtful;
    return { ...message, ...reasoningFieldsOf(message, thoughts, fields) };
  });
}

function reasoningFieldsOf(
  message: ChatCompletionMessageParam & { role: 'assistant' },
  thoughts: Reasoning | undefined,
  fields: readonly ReasoningField[],
): Record<string, unknown> {
  const reasoning = thoughts?.text ?? '';
  const { details, calls } = isObject(thoughts?.signatures) ? thoughts.signatures : {};
  const echo: Record<string, unknown> = {};
  // Also where there are none, for another provider may have written the message: what is missed is the field.
  if (fields.includes('reasoning_content')) echo['reasoning_content'] = reasoning;
  if (fields.includes('reasoning') && reasoning !== '') echo['reasoning'] = reasoning;
  if (fields.includes('reasoning_details') && Array.isArray(details)) echo['reasoning_details'] = details;
  if (fields.includes('extra_content') && Array.isArray(calls)) {
    echo['tool_calls'] = message.tool_calls?.map((call, at) =>
      isObject(calls[at]) ? { ...call, extra_content: calls[at] } : call,
    );
  }
  return echo;
}
