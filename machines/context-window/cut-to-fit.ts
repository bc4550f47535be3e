/**
 * Messages that must be sent and do not fit: the longest are cut in the middle, each with a word on what is missing.
 * Pure; changes the messages that it is given.
 */
import type { SizedMessage } from './model-messages.ts';

/** An oversized message is never cut below this many tokens. */
const SMALLEST_CUT = 64;

/** Returns how many were cut. The cap is the level at which the sum of all meets the budget. */
export function cutToFit(entries: SizedMessage[], budget: number): number {
  const sizes = entries.map((entry) => entry.tokens).sort((a, b) => a - b);
  let room = budget;
  let cap = Infinity;
  for (const [index, size] of sizes.entries()) {
    const share = room / (sizes.length - index);
    if (size > share) {
      cap = Math.max(SMALLEST_CUT, Math.floor(share));
      break;
    }
    room -= size;
  }
  let cut = 0;
  for (const entry of entries) {
    const { message } = entry;
    if (entry.tokens <= cap || !message.content) continue;
    const keep = Math.max(2, Math.floor((message.content.length * cap) / entry.tokens / 2));
    const shorter = cutMiddle(message.content, keep);
    // A short text beside long tool calls has nothing to give.
    if (shorter.length >= message.content.length) continue;
    message.content = shorter;
    cut += 1;
  }
  return cut;
}

/** Keeps `keep` UTF-16 units at each end, never half of a surrogate pair, and says what is missing. */
function cutMiddle(text: string, keep: number): string {
  const head = text.slice(0, keep).replace(/[\uD800-\uDBFF]$/u, '');
  const tail = text.slice(-keep).replace(/^[\uDC00-\uDFFF]/u, '');
  return `${head}\n[... ${text.length - head.length - tail.length} characters left out ...]\n${tail}`;
}
