/**
 * Writes one append: claims its turn, numbers its rows, updates the conversation's totals and ends its turn. Runs in the
 * write thread inside a savepoint of the group's transaction, so it may throw at any point without leaving anything.
 */
import { randomUUID } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { postedColumns, type PostedRow } from '../posted-columns.ts';
import type { Retain } from './retention.ts';
import type { NextUpdate } from './update-order.ts';
import { titleLength } from '../file/schema.ts';
import type { PostedAppend, SettledOutcome } from '../thread-messages.ts';

/** Most rows that one end of a turn drops. After a stricter policy there may be more; the sweep drops the rest. */
const maxDroppedRows = 1024;

/** Writes one append, or throws SQLite's error and leaves the rest to the savepoint. */
export type AppendWriter = (append: PostedAppend) => SettledOutcome;

/** Prepares the statements that write the rows of one append. */
export function createAppendWriter(db: Database, retain: Retain, nextUpdate: NextUpdate): AppendWriter {
  const findConversation = db.prepare<[string, string], { id: string; title: string | null; headSeq: number }>(
    'SELECT id, title, head_seq AS headSeq FROM conversations WHERE owner = ? AND name = ?',
  );
  const findId = db.prepare<{ id: string }, { id: string }>(
    'SELECT id FROM conversations WHERE id = @id UNION ALL SELECT conversation_id FROM pending_deletions WHERE conversation_id = @id',
  );
  const findRow = db.prepare<[string, string], { seq: number }>(
    'SELECT seq FROM chat_events WHERE id = ? AND conversation_id = ?',
  );
  const insertRow = db.prepare<[string, number, ...PostedRow]>(`
    INSERT INTO chat_events (conversation_id, seq, ${postedColumns.join(', ')})
    VALUES (?, ?, ${postedColumns.map(() => '?').join(', ')})`);
  const beginConversation = db.prepare<RowsNote & { owner: string; name: string }>(`
    INSERT INTO conversations (id, owner, name, title, created_at, updated_at, head_seq, oldest_seq, message_count, total_tokens, spent_tokens, cost, updated_seq)
    VALUES (@id, @owner, @name, @title, @timestamp, @timestamp, @headSeq, 1, @messages, @tokens, @spentTokens, @cost, @updatedSeq)`);
  const noteRows = db.prepare<RowsNote>(`
    UPDATE conversations SET title = @title, updated_at = @timestamp, head_seq = @headSeq,
           message_count = message_count + @messages, total_tokens = total_tokens + @tokens,
           spent_tokens = spent_tokens + @spentTokens, cost = cost + @cost, updated_seq = @updatedSeq
     WHERE id = @id`);
  const claimTurn = db.prepare<[string, string, string, number, string]>(`
    INSERT INTO turns (conversation_id, request_id, digest, begin_seq, started_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING`);
  const findTurn = db.prepare<[string, string], { digest: string; ended: number }>(`
    SELECT digest, ended_at IS NOT NULL AS ended FROM turns WHERE conversation_id = ? AND request_id = ?`);
  const endTurn = db.prepare<[string, number, string, string, string]>(`
    UPDATE turns SET "end" = ?, end_seq = ?, ended_at = ?, waiting_until = NULL
     WHERE conversation_id = ? AND request_id = ? AND ended_at IS NULL`);
  const noteWait = db.prepare<[number | null, string, string]>(`
    UPDATE turns SET waiting_until = ? WHERE conversation_id = ? AND request_id = ? AND ended_at IS NULL`);
  const noteRemembered = db.prepare<[string, string]>(`
    UPDATE conversations SET remembered = json_insert(CASE WHEN json_valid(remembered) THEN remembered ELSE '[]' END, '$[#]', json(?))
     WHERE id = ?`);
  const dropDraftOf = {
    message: db.prepare<[string, string]>('DELETE FROM drafts WHERE conversation_id = ? AND message_id = ?'),
    turn: db.prepare<[string, string]>('DELETE FROM drafts WHERE conversation_id = ? AND request_id = ?'),
  };

  /** The name if it is free, because people look for it in the table. Else the name with a unique suffix. */
  function newId(name: string): string {
    return findId.get({ id: name }) === undefined ? name : `${name}#${randomUUID()}`;
  }

  /** An append whose answer was lost may have been committed. Its row ids are unique. */
  function storedBefore(append: PostedAppend, conversationId: string): number | undefined {
    const id = append.isRetry ? append.rows[0]?.[0] : undefined;
    return id === undefined ? undefined : findRow.get(id, conversationId)?.seq;
  }

  return (append) => {
    const { conversationId: name, owner, timestamp, rows, begin, end, waiting, spent, remember } = append;
    const conversation = findConversation.get(owner, name);
    const id = conversation?.id ?? newId(name);
    const earlier = storedBefore(append, id);
    if (earlier !== undefined) return earlier;

    const firstSeq = (conversation?.headSeq ?? 0) + 1;
    const headSeq = firstSeq + rows.length - 1;
    if (begin !== null && claimTurn.run(id, begin.requestId, begin.digest, firstSeq, timestamp).changes === 0) {
      const turn = findTurn.get(id, begin.requestId);
      return turn?.digest === begin.digest ? { status: 'duplicate', ended: turn.ended === 1 } : { status: 'reused' };
    }
    for (const [index, row] of rows.entries()) insertRow.run(id, firstSeq + index, ...row);
    for (const [rowId, , type] of rows) if (type === 'assistant_message') dropDraftOf.message.run(id, rowId);
    const title = conversation?.title ?? firstUserText(rows);
    const note = {
      id,
      title,
      timestamp,
      headSeq,
      updatedSeq: nextUpdate(),
      ...totalsOf(rows),
      spentTokens: spent.tokens,
      cost: spent.cost,
    };
    if (conversation === undefined) beginConversation.run({ ...note, owner, name });
    else noteRows.run(note);
    if (remember !== null) noteRemembered.run(remember, id);
    if (waiting !== null && noteWait.run(waiting.untilMs, id, waiting.requestId).changes === 0) {
      throw new Error(`turn ${waiting.requestId} is not open`);
    }
    if (end !== null) {
      if (endTurn.run(end.payload, headSeq, timestamp, id, end.requestId).changes === 0) {
        throw new Error(`turn ${end.requestId} is not open`);
      }
      dropDraftOf.turn.run(id, end.requestId);
      retain(id, timestamp, maxDroppedRows);
    }
    return firstSeq;
  };
}

interface Totals {
  messages: number;
  tokens: number;
}

interface RowsNote extends Totals {
  id: string;
  title: string | null;
  timestamp: string;
  headSeq: number;
  updatedSeq: number;
  spentTokens: number;
  cost: number;
}

/** The totals of the rows. */
function totalsOf(rows: PostedRow[]): Totals {
  const totals: Totals = { messages: 0, tokens: 0 };
  for (const [, , type, , , , , , , , tokenCount] of rows) {
    if (type === 'user_message' || type === 'assistant_message') totals.messages += 1;
    totals.tokens += tokenCount ?? 0;
  }
  return totals;
}

/** Cuts by characters, so that no surrogate pair is split. A character has at most two UTF-16 units. */
function firstUserText(rows: PostedRow[]): string | null {
  const text = rows.find(([, , type]) => type === 'user_message')?.[4];
  return typeof text === 'string'
    ? Array.from(text.slice(0, 2 * titleLength))
        .slice(0, titleLength)
        .join('')
    : null;
}
