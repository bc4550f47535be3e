/**
 * Reads the prompts and resources of MCP servers that a message includes. The row keeps their text as it was when the
 * message was sent, so that every later request sees the same text. Pure.
 */
import { asObject, asObjects } from '../json-object.ts';
import type { NewRow } from '../log.ts';

/** One text that a message includes. */
export interface Included {
  role: 'user' | 'assistant';
  text: string;
  /** Its origin, for people. */
  from: { server: string; prompt: string } | { server: string; uri: string };
}

/** A part of a message with its role. */
export interface MessagePart {
  role: 'user' | 'assistant';
  text: string;
}

/**
 * The parts of a user's message in the order for the model: included texts first. Adjacent parts with the same role are
 * merged, because some models accept only alternating roles.
 */
export function messageParts({ content, extra }: Pick<NewRow, 'content' | 'extra'>): MessagePart[] {
  const words: MessagePart[] = [];
  for (const { role, text } of [...includedIn(extra), { role: 'user' as const, text: content ?? '' }]) {
    const last = words.at(-1);
    if (last?.role === role) last.text = [last.text, text].filter((part) => part !== '').join('\n\n');
    else words.push({ role, text });
  }
  return words;
}

/** The included texts of a row, without empty ones: some models refuse an empty message. */
export function includedIn({ included }: NewRow['extra']): Included[] {
  const read = (asObjects(included) ?? []).map(({ role, text, from }): Included => ({
    role: role === 'assistant' ? role : 'user',
    text: String(text ?? ''),
    from: originOf(from),
  }));
  return read.filter(({ text }) => text !== '');
}

function originOf(from: unknown): Included['from'] {
  const { server, prompt, uri } = asObject(from) ?? {};
  return prompt === undefined
    ? { server: String(server), uri: String(uri) }
    : { server: String(server), prompt: String(prompt) };
}
