/** Finds words and tool calls in the fields of a delta, in the forms of all providers. Pure. */
import { isObject, textOf, type JsonObject } from '../../json.ts';

/** The names of a field with reasoning. The last is Copilot's. Servers that use two names send the same text. */
const REASONING = ['reasoning_content', 'reasoning', 'thinking', 'reasoning_text'] as const;

/** The reasoning of a delta. Null if it has none. */
export function reasoningIn(delta: JsonObject): string | null {
  for (const key of REASONING) {
    const words = wordsIn(delta[key]);
    if (words !== null) return words;
  }
  return null;
}

/** Text, an object that holds it, or a list of them. Null if there are no words. */
export function wordsIn(value: unknown): string | null {
  if (Array.isArray(value)) return textOf(value.map((entry) => wordsIn(entry) ?? '').join(''));
  if (!isObject(value)) return textOf(value);
  return textOf(value['text']) ?? textOf(value['content']) ?? textOf(value['thinking']) ?? textOf(value['summary']);
}

/** A list, a single call, or `function_call` from before parallel calls. */
export function callsIn({ tool_calls: calls, function_call: legacy }: JsonObject): readonly unknown[] {
  if (Array.isArray(calls)) return calls;
  if (isObject(calls)) return [calls];
  return isObject(legacy) ? [{ index: 0, function: legacy }] : [];
}

/** A choice of the completions before chat, as a delta. Null for any other. */
export function pieceOfText({ text }: JsonObject): JsonObject | null {
  return typeof text === 'string' ? { content: text } : null;
}
