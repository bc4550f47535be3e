/** A piece of a message, put where its offset says: what a client must be able to do without a thought. */
import type { Holding, Strand } from './expected-state.ts';

export type Fit = 'fits' | 'gap' | 'repeat' | 'text';

/** `repeat` is taken in all the same: it says the same. */
export function takeText(
  { texts }: Holding,
  messageId: string,
  strand: Strand,
  { offset, data, of }: { offset: number; data: string; of: string },
): Fit {
  const held = texts.get(messageId) ?? { text: '', reasoning: '', of };
  const have = held[strand];
  if (offset > have.length) return 'gap';
  const shared = have.slice(offset, offset + data.length);
  if (!data.startsWith(shared)) return 'text';
  if (offset + data.length > have.length) texts.set(messageId, { ...held, [strand]: have.slice(0, offset) + data });
  return offset === have.length || completesPair(have, offset) ? 'fits' : 'repeat';
}

/** Who stopped between the halves of a character is sent the first one again. */
function completesPair(have: string, offset: number): boolean {
  return offset === have.length - 1 && /[\uD800-\uDBFF]$/.test(have);
}
