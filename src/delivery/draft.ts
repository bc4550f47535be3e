/**
 * Holds a message while the model writes it. Deltas that arrive in one turn of the event loop leave as one chunk, so the
 * cost per token falls as load rises. Writes no rows.
 */
import { textChunk, type Seen } from './render.ts';
import type { Chunk } from '../protocol/chunks.ts';

/**
 * One unfinished message. Offsets count UTF-16 units of the text sent so far, text and reasoning apart. A draft is lost
 * in a crash. The row that follows is not.
 */
export interface Draft {
  readonly messageId: string;
  readonly requestId: string;
  /** Adds a delta. The next flush sends it. */
  text(delta: string): void;
  reasoning(delta: string): void;
  /** Sends the rest and returns the whole. Later deltas are ignored. */
  finish(): { text: string; reasoning: string };
  /** The whole text sent so far. */
  written(): { text: string; reasoning: string };
  /** The chunks that a reader lacks who has `seen` a part of the text sent so far. */
  since(seen: Seen | null): Chunk[];
  /** The position of the text sent so far, for a reader that falls behind now. */
  sent(): Seen;
}

/** The message, and how its chunks leave. */
export interface DraftOptions {
  messageId: string;
  requestId: string;
  /** Minimum time between chunks, in ms. 0 sends once per turn of the event loop. */
  flushMs: number;
  /** Sends a chunk to the live followers. */
  deliver(type: 'text' | 'reasoning', offset: number, data: string): void;
}

/** Reasoning and text are two strings with offsets of their own. */
interface Strand {
  type: 'text' | 'reasoning';
  /** The text sent so far. It is only appended to, so that a delta costs the same in a long answer. */
  sent: string;
  /** The text that arrived since. */
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
    // The first half of a surrogate pair waits for the second.
    const end =
      !finished && isHighSurrogate(waiting.charCodeAt(waiting.length - 1)) ? waiting.length - 1 : waiting.length;
    if (end === 0) return;
    // A half that stays alone is replaced, as in the row.
    const data = (end === waiting.length ? waiting : waiting.slice(0, end)).toWellFormed();
    // Counted as sent after delivery: a follower that falls behind with this chunk does not have it.
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
