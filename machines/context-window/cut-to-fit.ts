/**
 * Cuts messages that must be sent and do not fit: the longest ones, in the middle, with a mark of the missing length.
 * Changes the given messages and their sizes.
 */
import type { SizedMessage } from './model-messages.ts';

/** An oversized message is never cut below this many tokens. */
const SMALLEST_CUT = 64;

/** Returns the number of cut messages. Every message above the cap is cut to it. With the cap, the sum of all sizes meets the budget. */
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
    // A short text beside long tool calls cannot become shorter.
    if (shorter.length >= message.content.length) continue;
    message.content = shorter;
    entry.tokens = cap;
    cut += 1;
  }
  return cut;
}

/** Keeps `keep` UTF-16 units at each end, never half of a surrogate pair, and marks the missing length. */
function cutMiddle(text: string, keep: number): string {
  const head = text.slice(0, keep).replace(/[\uD800-\uDBFF]$/u, '');
  const tail = text.slice(-keep).replace(/^[\uDC00-\uDFFF]/u, '');
  return `${head}\n[... ${text.length - head.length - tail.length} characters left out ...]\n${tail}`;
}
