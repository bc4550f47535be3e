/**
 * How far a reader has come: the last row, and the length of the message that is being written.
 * Tells what is new from what was shown already and from what cannot follow, so that catching up
 * may overlap with what came live. Serves one turn, or one conversation.
 */
import type { Chunk } from '../protocol/chunks.ts';

/** A place to go on from, as the wire has it: offsets in UTF-16 units, absent is 0. */
export interface Cursor {
  after_seq: number;
  message_id?: string;
  offset?: number;
  reasoning_offset?: number;
}

/** `gap`: something before it is missing; the reader must ask again from its cursor. */
export type Continuity = 'new' | 'repeat' | 'gap';

export interface Position {
  /** The chunk, or what is new of it. */
  take(chunk: Chunk): Chunk | Exclude<Continuity, 'new'>;
  /** Every row of a conversation, in order; `messageId` if it is an answer's. */
  row(seq: number, messageId: string | null): Continuity;
  /** A row that the wire mentions; rows before it may belong to others. */
  passed(seq: number): void;
  /** The log goes on here, wherever the reader was. */
  restart(afterSeq: number): void;
  cursor(): Cursor;
}

/** Messages remembered as whole, so that a late rendering of their row is known as a repeat. */
const MAX_WHOLE = 64;

export function createPosition(start: Cursor = { after_seq: 0 }): Position {
  let afterSeq = start.after_seq;
  let message =
    start.message_id === undefined
      ? null
      : { id: start.message_id, text: start.offset ?? 0, reasoning: start.reasoning_offset ?? 0 };
  const whole = new Set<string>();

  const closeMessage = (id: string) => {
    if (message?.id === id) message = null;
    whole.add(id);
    for (const oldest of whole) {
      if (whole.size <= MAX_WHOLE) break;
      whole.delete(oldest);
    }
  };

  const takeText = (chunk: Extract<Chunk, { type: 'text' | 'reasoning' }>) => {
    const { type, message_id: id, offset, data } = chunk;
    if (whole.has(id)) return 'repeat';
    const length = message?.id === id ? message[type] : 0;
    if (offset > length) return 'gap';
    const end = offset + data.length;
    if (end <= length) return 'repeat';
    // One message is written at a time: the next one's beginning is this one's end.
    if (message !== null && message.id !== id) closeMessage(message.id);
    message = { ...(message ?? { text: 0, reasoning: 0 }), id, [type]: end };
    return offset === length ? chunk : { ...chunk, offset: length, data: data.slice(length - offset) };
  };

  return {
    take(chunk) {
      if (chunk.type === 'text' || chunk.type === 'reasoning') return takeText(chunk);
      if (chunk.type === 'reset') {
        if (message?.id === chunk.message_id) message = null;
        return chunk;
      }
      if (!('seq' in chunk) || typeof chunk.seq !== 'number') return chunk;
      if (chunk.seq <= afterSeq) return 'repeat';
      afterSeq = chunk.seq;
      // Calls and their results are committed with or after the message that asked for them.
      if (message) closeMessage(message.id);
      return chunk;
    },
    row(seq, messageId) {
      if (seq <= afterSeq) return 'repeat';
      if (seq > afterSeq + 1) return 'gap';
      afterSeq = seq;
      if (messageId !== null) closeMessage(messageId);
      return 'new';
    },
    passed(seq) {
      afterSeq = Math.max(afterSeq, seq);
    },
    restart(seq) {
      afterSeq = seq;
      message = null;
    },
    cursor: () => ({
      after_seq: afterSeq,
      ...(message === null
        ? {}
        : { message_id: message.id, offset: message.text, reasoning_offset: message.reasoning }),
    }),
  };
}
