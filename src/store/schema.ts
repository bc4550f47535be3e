/**
 * The tables, and the way to them from every earlier version of the file. `chat_events` is
 * public: people query it, so its columns and their meaning are a promise. Runs in the write
 * thread, inside one transaction of the caller.
 */
import type { Database } from 'better-sqlite3';

/** `user_version` of a file this program writes. */
export const schemaVersion = 1;

/** A conversation is titled by its first words: this many characters. */
export const titleLength = 80;

/** A rowid table on purpose: WITHOUT ROWID is 4-5 times slower with rows of this size. */
const chatEvents = `
  CREATE TABLE IF NOT EXISTS chat_events (
    id              TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    seq             INTEGER,
    timestamp       TEXT,
    type            TEXT NOT NULL,
    role            TEXT,
    content         TEXT,
    tool_calls      TEXT,
    tool_call_id    TEXT,
    model           TEXT,
    usage           TEXT,
    extra           TEXT,
    token_count     INTEGER,
    request_id      TEXT
  );
  CREATE UNIQUE INDEX chat_events_by_seq ON chat_events (conversation_id, seq);`;

/** `head_seq` never goes back; `message_count` and `total_tokens` are those of the rows still kept. */
const conversations = `
  CREATE TABLE conversations (
    id            TEXT PRIMARY KEY,
    owner         TEXT NOT NULL,
    title         TEXT,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    head_seq      INTEGER NOT NULL,
    oldest_seq    INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    total_tokens  INTEGER NOT NULL
  );`;

/** The identity of turns, which outlives their rows. "end" is JSON, NULL while the turn is open. */
const turns = `
  CREATE TABLE turns (
    conversation_id TEXT NOT NULL,
    request_id      TEXT NOT NULL,
    digest          TEXT NOT NULL,
    begin_seq       INTEGER NOT NULL,
    started_at      TEXT NOT NULL,
    "end"           TEXT,
    end_seq         INTEGER,
    ended_at        TEXT,
    PRIMARY KEY (conversation_id, request_id)
  );
  CREATE INDEX turns_open ON turns (conversation_id, begin_seq) WHERE ended_at IS NULL;`;

/** Brings an empty file, or one of an earlier version, to `schemaVersion`. */
export function migrate(db: Database, adoptiveOwner: string): void {
  if (db.pragma('user_version', { simple: true }) !== 0) return;
  db.exec(chatEvents + conversations + turns);
  adoptConversations(db, adoptiveOwner);
  db.pragma(`user_version = ${schemaVersion}`);
}

/**
 * Version 0 is a bare `chat_events`, written by another program. Its turns count as ended, and
 * an empty digest matches no message: their request ids cannot be used again.
 */
function adoptConversations(db: Database, owner: string): void {
  db.prepare(`
    INSERT INTO conversations
    SELECT conversation_id, ?,
           (SELECT substr(content, 1, ${titleLength}) FROM chat_events AS said
             WHERE said.conversation_id = row.conversation_id AND said.type = 'user_message'
             ORDER BY said.seq LIMIT 1),
           COALESCE(MIN(timestamp), ''), COALESCE(MAX(timestamp), ''), MAX(seq), MIN(seq),
           SUM(type IN ('user_message', 'assistant_message')), COALESCE(SUM(token_count), 0)
      FROM chat_events AS row GROUP BY conversation_id`).run(owner);
  db.exec(`
    INSERT INTO turns
    SELECT conversation_id, request_id, '', MIN(seq), COALESCE(MIN(timestamp), ''),
           'null', MAX(seq), COALESCE(MAX(timestamp), '')
      FROM chat_events WHERE request_id IS NOT NULL GROUP BY conversation_id, request_id`);
}
