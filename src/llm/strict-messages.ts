/**
 * Makes the tool calls of a history acceptable for the strictest providers, because one message that a provider rejects
 * would fail every later request of the conversation. Mistral accepts ids of exactly nine letters and digits, others at most
 * 40 characters. OpenAI and Azure accept names of letters, digits, `_` and `-`, at most 64 characters. Gemini's begin with a
 * letter or `_`. Rows of earlier versions have other ids, and models invent names.
 */
import { createHash } from 'node:crypto';
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';

const STRICT_ID = /^[a-zA-Z0-9]{9}$/;
const STRICT_NAME = /^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** The same messages with ids and names that every provider accepts. Copies only messages that change. */
export function strictMessages(messages: readonly ChatCompletionMessageParam[]): ChatCompletionMessageParam[] {
  return messages.map((message) => {
    if (message.role === 'tool')
      return STRICT_ID.test(message.tool_call_id)
        ? message
        : { ...message, tool_call_id: strictId(message.tool_call_id) };
    if (message.role !== 'assistant' || message.tool_calls === undefined) return message;
    const isStrict = message.tool_calls.every(
      (call) => STRICT_ID.test(call.id) && (call.type !== 'function' || STRICT_NAME.test(call.function.name)),
    );
    if (isStrict) return message;
    return {
      ...message,
      tool_calls: message.tool_calls.map((call) =>
        call.type === 'function'
          ? { ...call, id: strictId(call.id), function: { ...call.function, name: strictName(call.function.name) } }
          : { ...call, id: strictId(call.id) },
      ),
    };
  });
}

/** An id of nine letters and digits from bytes, one for each character. */
export function idFromBytes(bytes: Uint8Array): string {
  return [...bytes.subarray(0, 9)].map((byte) => LETTERS[byte % LETTERS.length]).join('');
}

/** Always the same for the same id, so that a call and its result match in every request. */
function strictId(id: string): string {
  return STRICT_ID.test(id) ? id : idFromBytes(createHash('sha256').update(id).digest());
}

/** A name that every provider accepts for a tool. The same for a name that is one already. */
export function strictName(name: string): string {
  if (STRICT_NAME.test(name)) return name;
  const safe = name.replaceAll(/[^a-zA-Z0-9_-]/g, '_');
  return (/^[a-zA-Z_]/.test(safe) ? safe : `_${safe}`).slice(0, 64);
}
