/**
 * What a message brings along from MCP servers, a prompt or resources: kept in the message's row as it was read when
 * the message was sent, so that every later look at it sees the same text. Pure.
 */
import { asObjects } from './json-object.ts';
import type { NewRow } from './log.ts';

export interface Included {
  role: 'user' | 'assistant';
  text: string;
  /** Where it is from, for people. */
  from: { server: string; prompt: string } | { server: string; uri: string };
}

/** A message's words, and who says them. */
export interface Words {
  role: 'user' | 'assistant';
  text: string;
}

/**
 * A user's message as a model is to read it, in order: what it brings along first. Neighbours with one role are one:
 * some models take none but alternating ones.
 */
export function wordsOf({ content, extra }: Pick<NewRow, 'content' | 'extra'>): Words[] {
  const words: Words[] = [];
  for (const { role, text } of [...includedIn(extra), { role: 'user' as const, text: content ?? '' }]) {
    const last = words.at(-1);
    if (last?.role === role) last.text = [last.text, text].filter((part) => part !== '').join('\n\n');
    else words.push({ role, text });
  }
  return words;
}

function includedIn(extra: NewRow['extra']): Words[] {
  if (extra['included'] === undefined) return [];
  return (asObjects(extra['included']) ?? []).map((entry) => ({ role: entry['role'] === 'assistant' ? 'assistant' : 'user', text: String(entry['text'] ?? '') }));
}
