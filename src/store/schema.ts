/**
 * The tables. `chat_events` is public: people query it, so its columns and their meaning are a
 * promise. Runs in the write thread, inside one transaction of the caller.
 */
import type { Database } from 'better-sqlite3';

/** `user_version` of a file this program writes. */
export const schemaVersion = 1;

/** A conversation is titled by its first words: this many characters. */
export const titleLength = 80;

/** A rowid table on purpose: WITHOUT ROWID is 4-5 times slower with rows of this size. */
const chatEvents = `
  CREATE TABLE chat_events (
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

/** Makes the tables of `schemaVersion`, empty, in a file that has none of them. */
export function createTables(db: Database): void {
  db.exec(chatEvents + conversations + turns);
  noteVersion(db);
}

export function noteVersion(db: Database): void {
  db.pragma(`user_version = ${schemaVersion}`);
}
