/**
 * Puts `reasoning_details` together from the pieces of a stream: thoughts with their signatures, as OpenRouter has
 * them for all providers behind it. Opaque to Parley, which only has to give them back as they were.
 * Source: https://openrouter.ai/docs/use-cases/reasoning-tokens
 */
import { isObject, textOf, type JsonObject } from '../../json.ts';

export interface ReasoningDetails {
  /** Takes one delta's list. Returns its size as JSON, for what is sealed in a piece is kept too. */
  add(pieces: readonly unknown[]): number;
  details(): readonly JsonObject[];
}

/** Keys whose text comes in pieces; of any other the last word counts. */
const textKeys = ['text', 'summary'] as const;

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

/** Encrypted thoughts come whole, so two of them are two. */
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
