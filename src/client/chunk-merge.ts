/** Which chunks say the same as one: a reader that was away loses no text, only the rhythm in which it came. */
import type { Chunk } from '../protocol/chunks.ts';

/** Null if the two must stay apart. Chunks come without gaps (position.ts), so texts simply join. */
export function mergeChunks(earlier: Chunk, later: Chunk): Chunk | null {
  if (isText(earlier) && isText(later) && earlier.type === later.type && earlier.message_id === later.message_id) {
    return { ...earlier, data: earlier.data + later.data };
  }
  if (earlier.type === 'tool_progress' && later.type === 'tool_progress' && earlier.call_id === later.call_id)
    return later;
  return null;
}

/** True for text of a message that a `reset` takes back. */
export function isTakenBack(chunk: Chunk, messageId: string): boolean {
  return isText(chunk) && chunk.message_id === messageId;
}

function isText(chunk: Chunk): chunk is Extract<Chunk, { type: 'text' | 'reasoning' }> {
  return chunk.type === 'text' || chunk.type === 'reasoning';
}
