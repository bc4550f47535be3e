/**
 * Replaces what some providers reject in a text, because one such message would fail every later request: NUL (databases
 * cannot store it) and half a surrogate pair (UTF-8 cannot encode it). Pure.
 */
import type { ToolCallRequest } from '../log.ts';

const REPLACEMENT = '\ufffd';

/** The same text if all of it is valid. */
export function validText(text: string): string {
  const formed = text.toWellFormed();
  return formed.includes('\0') ? formed.replaceAll('\0', REPLACEMENT) : formed;
}

/** How JSON writes what is not valid. */
const ESCAPED = /\\u(?:0000|d[89a-f][0-9a-f]{2})/i;

/** The calls with valid texts in their arguments, and in their names. */
export function validCalls(calls: ToolCallRequest[]): ToolCallRequest[] {
  const isValid = calls.every(
    ({ function: { name, arguments: text } }) => !ESCAPED.test(text) && validText(name) === name,
  );
  if (isValid) return calls;
  return calls.map((call) => {
    const { name, arguments: text } = call.function;
    return { ...call, function: { name: validText(name), arguments: validJson(text) } };
  });
}

function validJson(text: string): string {
  if (!ESCAPED.test(text)) return text;
  try {
    const value: unknown = JSON.parse(text, (_key, inner: unknown) => validValue(inner));
    return JSON.stringify(value);
  } catch {
    return text;
  }
}

/** A text, or an object with the names of its members. */
function validValue(value: unknown): unknown {
  if (typeof value === 'string') return validText(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]): [string, unknown] => [validText(key), inner]));
}
