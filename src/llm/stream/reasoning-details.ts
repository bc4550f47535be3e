/**
 * Assembles `reasoning_details` from the pieces of a stream: reasoning with its signatures, as OpenRouter sends it for all its
 * providers. Parley passes it back unchanged.
 * Source: https://openrouter.ai/docs/use-cases/reasoning-tokens
 */
import { isObject, textOf, type JsonObject } from '../../json.ts';

/** The details of one answer. */
export interface ReasoningDetails {
  /** Adds the list of one delta. Returns its size as JSON, which includes encrypted parts. */
  add(pieces: readonly unknown[]): number;
  details(): readonly JsonObject[];
}

/** Keys whose text comes in pieces. For other keys the last value counts. */
const textKeys = ['text', 'summary'] as const;

/** Starts empty. */
export function createReasoningDetails(): ReasoningDetails {
  const details: Record<string, unknown>[] = [];

  return {
    add(pieces) {
      let chars = 0;
      for (const piece of pieces) {
        if (!isObject(piece)) continue;
        const last = details.at(-1);
        chars += JSON.stringify(piece).length;
        if (last && continues(last, piece)) extend(last, piece);
        else details.push({ ...piece });
      }
      return chars;
    },
    details: () => details,
  };
}

/** An encrypted part is always whole, so two pieces are two parts. */
function continues(last: JsonObject, piece: JsonObject): boolean {
  return last['type'] === piece['type'] && last['index'] === piece['index'] && piece['type'] !== 'reasoning.encrypted';
}

function extend(last: Record<string, unknown>, piece: JsonObject): void {
  const before = Object.fromEntries(textKeys.map((key) => [key, textOf(last[key])]));
  for (const [key, value] of Object.entries(piece)) if (value !== null) last[key] = value;
  for (const key of textKeys) {
    const text = `${before[key] ?? ''}${textOf(piece[key]) ?? ''}`;
    if (text !== '') last[key] = text;
  }
}
