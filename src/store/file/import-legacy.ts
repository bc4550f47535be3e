/**
 * Imports a file of another program that has only a `chat_events` table. Copies the file first; then sorts, renumbers and
 * completes its rows, and fills the other tables. Runs in the write thread, inside one transaction of the caller.
 */
import type { Database } from 'better-sqlite3';
import { copyDatabase } from './copy.ts';
import { createTables, rowColumns, titleLength } from './schema.ts';

/** What an import did. */
export interface LegacyImport {
  /** Path of the copy of the original file. */
  backup: string;
  conversations: number;
  rows: number;
}

/** The conversations belong to `owner`. Throws if the copy cannot be made; then nothing was changed. */
export function importLegacy(db: Database, path: string, owner: string): LegacyImport {
  const now = new Date().toISOString();
  const backup = `${path}.before-parley-${now.replaceAll(/[-:]|\.\d+/g, '')}`;
  copyDatabase(path, backup);
  collectRows(db);
  completeRows(db, now);
  // Drops the table with its indexes and triggers: an index of the other program may forbid Parley's rows.
  db.exec('DROP TABLE chat_events');
  createTables(db);
  db.exec(
    `INSERT INTO chat_events SELECT ${rowColumns} FROM temp.adopted ORDER BY conversation_id, seq; DROP TABLE temp.adopted`,
  );
  insertConversations(db, owner);
  const counted = db
    .prepare<[], Pick<LegacyImport, 'conversations' | 'rows'>>(`
    SELECT (SELECT COUNT(*) FROM conversations) AS conversations, (SELECT COUNT(*) FROM chat_events) AS rows`)
    .get();
  return { backup, conversations: counted?.conversations ?? 0, rows: counted?.rows ?? 0 };
}

/** Reads times as ISO 8601 of any zone, SQL dates, and seconds or milliseconds since 1970. Others count as missing. */
const asTime = `strftime('%Y-%m-%dT%H:%M:%fZ',
  CASE WHEN timestamp NOT GLOB '*[^0-9.]*' AND CAST(timestamp AS REAL) > 1e11 THEN CAST(timestamp AS REAL) / 1000 ELSE timestamp END, 'auto')`;

/**
 * Collects the rows with their new seq. A row without a valid seq follows the rows written before it. Of rows with equal
 * seqs the one written first comes first. `message` counts the user's messages so far: the row belongs to the last of
 * them.
 */
function collectRows(db: Database): void {
  const withoutRowid = db.prepare<[], number>(`SELECT wr FROM pragma_table_list('chat_events')`).pluck().get() === 1;
  db.exec(`
    CREATE TEMP TABLE adopted AS
    WITH read AS (
      SELECT *, ${withoutRowid ? 'id' : 'rowid'} AS line, CASE typeof(seq) WHEN 'integer' THEN seq END AS number, ${asTime} AS time
        FROM chat_events
    ), placed AS (
      SELECT *, COALESCE(number, MAX(number) OVER (PARTITION BY conversation_id ORDER BY line)) AS place FROM read
    )
    SELECT id, conversation_id, ROW_NUMBER() OVER in_order AS seq,
           CASE WHEN time BETWEEN '1970' AND '9999' THEN time END AS timestamp,
           type, role, content, tool_calls, tool_call_id, model, usage, extra, token_count, request_id,
           SUM(type = 'user_message') OVER in_order AS message
      FROM placed
    WINDOW in_order AS (PARTITION BY conversation_id ORDER BY place, line ROWS UNBOUNDED PRECEDING);
    CREATE INDEX temp.adopted_by_seq ON adopted (conversation_id, seq);
    CREATE INDEX temp.adopted_timed ON adopted (conversation_id, seq) WHERE timestamp IS NOT NULL;
    CREATE INDEX temp.adopted_messages ON adopted (conversation_id, message) WHERE type = 'user_message';
    CREATE INDEX temp.adopted_requests ON adopted (conversation_id, request_id) WHERE type = 'user_message'`);
}

/** Fills in the columns that Parley's rows always have. Estimates tokens high, at three bytes each, so that no context overflows. */
function completeRows(db: Database, now: string): void {
  const nearestTime = (which: string, order: string) => `
    UPDATE temp.adopted SET timestamp = (
      SELECT timestamp FROM temp.adopted AS near
       WHERE near.conversation_id = adopted.conversation_id AND near.timestamp IS NOT NULL AND near.seq ${which} adopted.seq
       ORDER BY near.seq ${order} LIMIT 1)
     WHERE timestamp IS NULL`;
  db.exec(nearestTime('<', 'DESC'));
  db.exec(nearestTime('>', 'ASC'));
  db.prepare('UPDATE temp.adopted SET timestamp = ? WHERE timestamp IS NULL').run(now);
  db.exec(`
    UPDATE temp.adopted SET id = lower(hex(randomblob(16)))
     WHERE id IS NULL OR rowid NOT IN (SELECT MIN(rowid) FROM temp.adopted GROUP BY id);
    UPDATE temp.adopted SET token_count = (length(CAST(COALESCE(content, '') || COALESCE(tool_calls, '') AS BLOB)) + 2) / 3
     WHERE type IN ('user_message', 'assistant_message', 'tool_result', 'system_update')
       AND (typeof(token_count) <> 'integer' OR token_count < 0);
    UPDATE temp.adopted SET request_id = (
      SELECT request_id FROM temp.adopted AS said
       WHERE said.conversation_id = adopted.conversation_id AND said.message = adopted.message AND said.type = 'user_message')
     WHERE type <> 'user_message' AND NOT EXISTS (
      SELECT 1 FROM temp.adopted AS said
       WHERE said.conversation_id = adopted.conversation_id AND said.request_id = adopted.request_id AND said.type = 'user_message')`);
}

/** The turns count as ended. An empty digest matches no message, so their request ids cannot be used again. */
function insertConversations(db: Database, owner: string): void {
  db.prepare(`
    INSERT INTO conversations (id, owner, name, title, created_at, updated_at, head_seq, oldest_seq, message_count, total_tokens, updated_seq)
    SELECT conversation_id, ?, conversation_id,
           (SELECT substr(content, 1, ${titleLength}) FROM chat_events AS said
             WHERE said.conversation_id = row.conversation_id AND said.type = 'user_message'
             ORDER BY said.seq LIMIT 1),
           MIN(timestamp), MAX(timestamp), MAX(seq), MIN(seq),
           SUM(type IN ('user_message', 'assistant_message')), COALESCE(SUM(token_count), 0),
           ROW_NUMBER() OVER (ORDER BY MAX(timestamp), conversation_id)
      FROM chat_events AS row GROUP BY conversation_id`).run(owner);
  db.exec(`
    INSERT INTO turns (conversation_id, request_id, digest, begin_seq, started_at, "end", end_seq, ended_at)
    SELECT conversation_id, request_id, '', MIN(seq), MIN(timestamp), 'null', MAX(seq), MAX(timestamp)
      FROM chat_events WHERE request_id IS NOT NULL GROUP BY conversation_id, request_id`);
}
