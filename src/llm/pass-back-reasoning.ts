/**
 * Passes the model's reasoning back to providers that reject a tool hop without it, in each provider's own field. Other
 * providers get plain messages, because strict ones reject unknown fields. The reasoning comes from the rows of the log,
 * with each message of the context.
 */
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import type { Reasoning } from '../../machines/context-window/model-messages.ts';
import { isObject, type JsonObject } from '../json.ts';

/** Opaque data that a provider sends with its reasoning. Parley logs it and sends it back unchanged. */
export interface Signatures {
  /** Reasoning in parts, signed or encrypted (`reasoning_details`). */
  details?: readonly JsonObject[];
  /** `extra_content` of each call. Null if it had none. */
  calls?: readonly (JsonObject | null)[];
}

/** Null if there is nothing to keep. */
export function signaturesOf(details: readonly JsonObject[], calls: readonly (JsonObject | null)[]): Signatures | null {
  const found: Signatures = {
    ...(details.length > 0 ? { details } : {}),
    ...(calls.some((call) => call !== null) ? { calls } : {}),
  };
  return Object.keys(found).length > 0 ? found : null;
}

/** The fields that hold reasoning: three of a message, and one of each tool call. */
export const reasoningFields = ['reasoning_content', 'reasoning', 'reasoning_details', 'extra_content'] as const;
/** The name of a field of an assistant message. */
export type ReasoningField = (typeof reasoningFields)[number];

/** A message with the model's reasoning. */
export type MessageWithReasoning = ChatCompletionMessageParam & { reasoning?: Reasoning };

/** Hosts that are known to require reasoning. For other providers `pass_back_reasoning` names the fields. */
const knownHosts: ReadonlyMap<string, readonly ReasoningField[]> = new Map<string, readonly ReasoningField[]>([
  // Answers 400 without it: https://api-docs.deepseek.com/guides/thinking_mode
  ['api.deepseek.com', ['reasoning_content']],
  // https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model
  ['api.moonshot.ai', ['reasoning_content']],
  ['api.moonshot.cn', ['reasoning_content']],
  // https://openrouter.ai/docs/use-cases/reasoning-tokens
  ['openrouter.ai', ['reasoning_details']],
  // https://ai.google.dev/gemini-api/docs/thought-signatures
  ['generativelanguage.googleapis.com', ['extra_content']],
]);

/** The fields that the provider at this address requires. Empty for others, and for an address that is no URL. */
export function knownReasoningFields(baseUrl: string): readonly ReasoningField[] {
  return knownHosts.get(URL.parse(baseUrl)?.hostname ?? '') ?? [];
}

/** The messages for a provider with these fields. Copies only messages that change. */
export function withReasoning(
  messages: readonly MessageWithReasoning[],
  fields: readonly ReasoningField[],
): ChatCompletionMessageParam[] {
  return messages.map((original) => {
    if (original.role !== 'assistant' || (fields.length === 0 && original.reasoning === undefined)) return original;
    const { reasoning, ...message } = original;
    return { ...message, ...reasoningFieldsOf(message, reasoning, fields) };
  });
}

function reasoningFieldsOf(
  message: ChatCompletionMessageParam & { role: 'assistant' },
  reasoning: Reasoning | undefined,
  fields: readonly ReasoningField[],
): Record<string, unknown> {
  const text = reasoning?.text ?? '';
  const { details, calls } = isObject(reasoning?.signatures) ? reasoning.signatures : {};
  const found: Record<string, unknown> = {};
  // Also if there is no reasoning, because another provider may have written the message: the field is required.
  if (fields.includes('reasoning_content')) found['reasoning_content'] = text;
  if (fields.includes('reasoning') && text !== '') found['reasoning'] = text;
  if (fields.includes('reasoning_details') && Array.isArray(details)) found['reasoning_details'] = details;
  if (fields.includes('extra_content') && Array.isArray(calls)) {
    found['tool_calls'] = message.tool_calls?.map((call, at) =>
      isObject(calls[at]) ? { ...call, extra_content: calls[at] } : call,
    );
  }
  return found;
}
