/**
 * A message under construction: the running text, held once. Whatever arrives in one turn of the
 * event loop leaves as one chunk, so cost per token falls as load rises. Writes no rows.
 */
import { textChunk, type Seen } from './render.ts';
import type { Chunk } from '../protocol/chunks.ts';

/**
 * One message while the model writes it. Offsets count UTF-16 units of what was sent, text and reasoning
 * apart; what is here is lost in a crash, the row that follows is not.
 */
export interface Draft {
  readonly messageId: string;
  readonly requestId: string;
  /** Adds a delta; it leaves with the next flush. */
  text(delta: string): void;
  reasoning(delta: string): void;
  /** Sends what is left and returns the whole; deltas after this are ignored. */
  finish(): { text: string; reasoning: string };
  /** What has been sent to others, whole. */
  written(): { text: string; reasoning: string };
  /** What a reader who has `seen` part of it lacks of what has been sent to others. */
  since(seen: Seen | null): Chunk[];
  /** How much has been sent, for a reader that falls behind now. */
  sent(): Seen;
}

export interface DraftOptions {
  messageId: string;
  requestId: string;
  /** Minimum time between chunks; 0 sends once per turn of the event loop. */
  flushMs: number;
  /** Delivers a chunk to those who follow live. */
  deliver(type: 'text' | 'reasoning', offset: number, data: string): void;
}

/** Reasoning and text are two strings with offsets of their own. */
interface Strand {
  type: 'text' | 'reasoning';
  /** What has been sent. Only ever added to, so that a long answer costs no more a delta than a short one. */
  sent: string;
  /** What has arrived since. */
  waiting: string;
}

/** Opens an empty draft. */
export function createDraft({ messageId, requestId, flushMs, deliver }: DraftOptions): Draft {
  const text: Strand = { type: 'text', sent: '', waiting: '' };
  const reasoning: Strand = { type: 'reasoning', sent: '', waiting: '' };
  let scheduled = false;
  let finished = false;

  const send = (strand: Strand) => {
    const { waiting } = strand;
    // Half of a surrogate pair waits for its other half.
    const end =
      !finished && isHighSurrogate(waiting.charCodeAt(waiting.length - 1)) ? waiting.length - 1 : waiting.length;
    if (end === 0) return;
    // Half a pair that stays alone is shown as the row will have it.
    const data = (end === waiting.length ? waiting : waiting.slice(0, end)).toWellFormed();
    // Counted as sent afterwards: whoever falls behind with this chunk lacks it.
    deliver(strand.type, strand.sent.length, data);
    strand.sent += data;
    strand.waiting = waiting.slice(end);
  };
  const flush = () => {
    scheduled = false;
    send(reasoning);
    send(text);
  };
  const written = () => ({ text: text.sent, reasoning: reasoning.sent });
  const add = (strand: Strand, delta: string) => {
    if (finished) return;
    strand.waiting += delta;
    if (scheduled) return;
    scheduled = true;
    if (flushMs > 0) setTimeout(flush, flushMs);
    else setImmediate(flush);
  };

  return {
    messageId,
    requestId,
    text: (delta) => add(text, delta),
    reasoning: (delta) => add(reasoning, delta),
    finish() {
      finished = true;
      flush();
      return written();
    },
    written,
    since: (seen) => [
      ...textChunk('reasoning', messageId, reasoning.sent, seen?.reasoningOffset ?? 0),
      ...textChunk('text', messageId, text.sent, seen?.offset ?? 0),
    ],
    sent: () => ({ messageId, offset: text.sent.length, reasoningOffset: reasoning.sent.length }),
  };
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
