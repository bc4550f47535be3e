/**
 * What a message brings along from MCP servers, a prompt or resources: kept in the message's row as it was read when
 * the message was sent, so that every later look at it sees the same text. Pure.
 */
import { asObject, asObjects } from '../json-object.ts';
import type { NewRow } from '../log.ts';

export interface Included {
  role: 'user' | 'assistant';
  text: string;
  /** Where it is from, for people. */
  from: { server: string; prompt: string } | { server: string; uri: string };
}

/** A message's words, and who says them. */
export interface MessagePart {
  role: 'user' | 'assistant';
  text: string;
}

/**
 * A user's message as a model is to read it, in order: what it brings along first. Neighbours with one role are one:
 * some models take none but alternating ones.
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

/** What a row says that its message brings along, without words that say nothing: some models refuse an empty message. */
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
