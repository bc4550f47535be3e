/**
 * Finds where a conversation may be rewound to: a user's message on the current branch, which no later rewind has
 * abandoned. Reads only.
 */
import type { Database } from 'better-sqlite3';
import { rewindTarget } from './file/schema.ts';

/** A message that a chat may rewind to: its text and its `extra`. */
export interface StoredRewindPoint {
  text: string;
  extra: string | null;
}

/** `id` is the conversation's id in the table. Null: no message of the branch has this seq. */
export function createRewindPoints(db: Database): (id: string, seq: number) => StoredRewindPoint | null {
  const findMessage = db.prepare<[string, number], StoredRewindPoint & { endSeq: number | null }>(`
    SELECT content AS text, extra, turns.end_seq AS endSeq
      FROM chat_events JOIN turns USING (conversation_id, request_id)
     WHERE conversation_id = ? AND seq = ? AND type = 'user_message'`);
  const findAbandoning = db.prepare<[{ id: string; seq: number; endSeq: number }], { found: number }>(`
    SELECT 1 AS found
      FROM chat_events JOIN turns USING (conversation_id, request_id)
     WHERE conversation_id = @id AND seq > @seq AND ${rewindTarget} <= @seq
       AND (turns.end_seq IS NULL OR turns.end_seq > @endSeq)
     LIMIT 1`);

  return (id, seq) => {
    const message = findMessage.get(id, seq);
    if (message === undefined) return null;
    const { text, extra, endSeq } = message;
    return endSeq !== null && findAbandoning.get({ id, seq, endSeq }) !== undefined ? null : { text, extra };
  };
}
