/**
 * Writes one append: claims its turn, numbers its rows, keeps the conversation's totals and
 * closes its turn. Runs in the write thread inside a savepoint of the group's transaction, so
 * it may throw at any point and nothing of the append remains.
 */
import type { Database } from 'better-sqlite3';
import { fault } from '../errors.ts';
import type { Retain } from './retention.ts';
import { titleLength } from './schema.ts';
import { postedColumns } from './thread-messages.ts';
import type { PostedAppend, PostedRow, SettledOutcome } from './thread-messages.ts';

/** A policy that was tightened leaves much to drop: what one end does not take, the sweep does. */
const maxDroppedRows = 1024;

export type AppendWriter = (append: PostedAppend) => SettledOutcome;

export function createAppendWriter(db: Database, retain: Retain): AppendWriter {
  const findConversation = db.prepare<[string], { owner: string; title: string | null; headSeq: number }>(
    'SELECT owner, title, head_seq AS headSeq FROM conversations WHERE id = ?',
  );
  const findRow = db.prepare<[string, string], { seq: number }>(
    'SELECT seq FROM chat_events WHERE id = ? AND conversation_id = ?',
  );
  const insertRow = db.prepare<[string, number, ...PostedRow]>(`
    INSERT INTO chat_events (conversation_id, seq, ${postedColumns.join(', ')})
    VALUES (?, ?, ${postedColumns.map(() => '?').join(', ')})`);
  const noteRows = db.prepare<ConversationNote>(`
    INSERT INTO conversations (id, owner, title, created_at, updated_at, head_seq, oldest_seq, message_count, total_tokens)
    VALUES (@id, @owner, @title, @timestamp, @timestamp, @headSeq, 1, @messages, @tokens)
    ON CONFLICT (id) DO UPDATE SET
      title = excluded.title, updated_at = excluded.updated_at, head_seq = excluded.head_seq,
      message_count = message_count + excluded.message_count, total_tokens = total_tokens + excluded.total_tokens`);
  const claimTurn = db.prepare<[string, string, string, number, string]>(`
    INSERT INTO turns (conversation_id, request_id, digest, begin_seq, started_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING`);
  const findTurn = db.prepare<[string, string], { digest: string; ended: number }>(`
    SELECT digest, ended_at IS NOT NULL AS ended FROM turns WHERE conversation_id = ? AND request_id = ?`);
  const endTurn = db.prepare<[string, number, string, string, string]>(`
    UPDATE turns SET "end" = ?, end_seq = ?, ended_at = ?
     WHERE conversation_id = ? AND request_id = ? AND ended_at IS NULL`);

  /** An append whose answer was lost on the way may have been committed; its ids are its own. */
  function storedBefore(append: PostedAppend): number | undefined {
    const id = append.again ? append.rows[0]?.[0] : undefined;
    return id === undefined ? undefined : findRow.get(id, append.conversationId)?.seq;
  }

  return (append) => {
    const { conversationId, owner, timestamp, rows, begin, end } = append;
    const conversation = findConversation.get(conversationId);
    if (conversation !== undefined && conversation.owner !== owner) {
      return { status: 'failed', fault: fault('not_found', 'There is no such conversation.') };
    }
    const earlier = storedBefore(append);
    if (earlier !== undefined) return earlier;

    const firstSeq = (conversation?.headSeq ?? 0) + 1;
    const headSeq = firstSeq + rows.length - 1;
    if (begin !== null && claimTurn.run(conversationId, begin.requestId, begin.digest, firstSeq, timestamp).changes === 0) {
      const turn = findTurn.get(conversationId, begin.requestId);
      return turn?.digest === begin.digest ? { status: 'duplicate', ended: turn.ended === 1 } : { status: 'reused' };
    }
    for (const [index, row] of rows.entries()) insertRow.run(conversationId, firstSeq + index, ...row);
    const title = conversation?.title ?? firstUserText(rows);
    noteRows.run({ id: conversationId, owner, title, timestamp, headSeq, ...totalsOf(rows) });
    if (end !== null) {
      if (endTurn.run(end.payload, headSeq, timestamp, conversationId, end.requestId).changes === 0) {
        throw new Error(`turn ${end.requestId} is not open`);
      }
      retain(conversationId, timestamp, maxDroppedRows);
    }
    return firstSeq;
  };
}

interface Totals {
  messages: number;
  tokens: number;
}

interface ConversationNote extends Totals {
  id: string;
  owner: string;
  title: string | null;
  timestamp: string;
  headSeq: number;
}

/** What the rows add to their conversation. */
function totalsOf(rows: PostedRow[]): Totals {
  const totals: Totals = { messages: 0, tokens: 0 };
  for (const [, , type, , , , , , , , tokenCount] of rows) {
    if (type === 'user_message' || type === 'assistant_message') totals.messages += 1;
    totals.tokens += tokenCount ?? 0;
  }
  return totals;
}

/** Cut by characters, so that none is torn in half; none takes more than two units. */
function firstUserText(rows: PostedRow[]): string | null {
  const text = rows.find(([, , type]) => type === 'user_message')?.[4];
  return typeof text === 'string' ? Array.from(text.slice(0, 2 * titleLength)).slice(0, titleLength).join('') : null;
}
