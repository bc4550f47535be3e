/**
 * Tracks the position of a reader: the last row, and the length of the current message. Distinguishes new chunks from
 * repetitions and gaps, so that catching up may overlap with live frames. For one turn or one conversation.
 */
import type { Chunk } from '../protocol/chunks.ts';

/** A position, as the wire has it. Offsets are in UTF-16 units; 0 if absent. */
export interface Cursor {
  after_seq: number;
  message_id?: string;
  offset?: number;
  reasoning_offset?: number;
}

/** `gap`: something before it is missing; request it again from the cursor. */
export type Continuity = 'new' | 'repeat' | 'gap';

/** The position of one reader. */
export interface Position {
  /** Returns the chunk, or its new part. */
  take(chunk: Chunk): Chunk | Exclude<Continuity, 'new'>;
  /** For each row of a conversation, in order. `messageId`: of an assistant message, else null. */
  row(seq: number, messageId: string | null): Continuity;
  /** Advances to a row. Rows before it may belong to other turns. */
  passed(seq: number): void;
  /** Continues after this row, from any position. */
  restart(afterSeq: number): void;
  cursor(): Cursor;
}

/** Completed messages that are remembered, to recognize late chunks of them as repetitions. */
const MAX_COMPLETED = 64;

/** Creates the position of a reader in a log, from the start or from a saved cursor. */
export function createPosition(start: Cursor = { after_seq: 0 }): Position {
  let afterSeq = start.after_seq;
  let message =
    start.message_id === undefined
      ? null
      : { id: start.message_id, text: start.offset ?? 0, reasoning: start.reasoning_offset ?? 0 };
  const completed = new Set<string>();

  const closeMessage = (id: string) => {
    if (message?.id === id) message = null;
    completed.add(id);
    for (const oldest of completed) {
      if (completed.size <= MAX_COMPLETED) break;
      completed.delete(oldest);
    }
  };

  const takeText = (chunk: Extract<Chunk, { type: 'text' | 'reasoning' }>) => {
    const { type, message_id: id, offset, data } = chunk;
    if (completed.has(id)) return 'repeat';
    const length = message?.id === id ? message[type] : 0;
    if (offset > length) return 'gap';
    const end = offset + data.length;
    if (end <= length) return 'repeat';
    // Only one message is written at a time, so a new message ends the current one.
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
      // Calls and results are committed with or after the message that requested them.
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
