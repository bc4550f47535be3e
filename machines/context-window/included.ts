/**
 * Reads the prompts and resources of MCP servers that a message includes. The row keeps their texts and images as they were
 * when the message was sent, so that every later request sees the same. Pure.
 */
import { asObject, asObjects } from '../json-object.ts';
import type { NewRow } from '../log.ts';
import { imagesOf, type ModelImage } from './images.ts';

/** One text that a message includes. */
export interface Included {
  role: 'user' | 'assistant';
  text: string;
  /** Absent if it has none. */
  images?: readonly ModelImage[];
  /** Its origin, for people. */
  from: { server: string; prompt: string } | { server: string; uri: string };
}

/** A part of a message with its role. */
export interface MessagePart {
  role: 'user' | 'assistant';
  text: string;
  images: readonly ModelImage[];
}

/**
 * The parts of a user's message in the order for the model: included texts first. Adjacent parts with the same role are
 * merged, because some models accept only alternating roles.
 */
export function messageParts({ content, extra }: Pick<NewRow, 'content' | 'extra'>): MessagePart[] {
  const words: MessagePart[] = [];
  const message: Pick<Included, 'role' | 'text' | 'images'> = { role: 'user', text: content ?? '' };
  for (const { role, text, images = [] } of [...includedIn(extra), message]) {
    const last = words.at(-1);
    if (last?.role === role) {
      last.text = [last.text, text].filter((part) => part !== '').join('\n\n');
      last.images = [...last.images, ...images];
    } else words.push({ role, text, images });
  }
  return words;
}

/** What a row includes, without empty texts: some models refuse an empty message. */
export function includedIn({ included }: NewRow['extra']): Included[] {
  const read = (asObjects(included) ?? []).map(({ role, text, images, from }): Included => ({
    role: role === 'assistant' ? role : 'user',
    text: String(text ?? ''),
    ...imagesOf(images),
    from: originOf(from),
  }));
  return read.filter(({ text, images }) => text !== '' || images !== undefined);
}

function originOf(from: unknown): Included['from'] {
  const { server, prompt, uri } = asObject(from) ?? {};
  return prompt === undefined
    ? { server: String(server), uri: String(uri) }
    : { server: String(server), prompt: String(prompt) };
}
