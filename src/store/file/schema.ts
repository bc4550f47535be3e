/**
 * The tables. `chat_events` is public: people query it, so its columns and their meaning are a
 * promise. Runs in the write thread, inside one transaction of the caller.
 */
import type { Database } from 'better-sqlite3';

/** `user_version` of a file this program writes. */
export const schemaVersion = 4;

/** The columns of a row as they are handed out. */
export const rowColumns = `id, conversation_id, seq, timestamp, type, role, content, tool_calls, tool_call_id,
  model, usage, extra, token_count, request_id`;

/** The seq that a row goes back to; NULL for a row that is no rewind. What is no JSON was written by others. */
export const rewindTarget = `CASE WHEN type = 'meta' AND json_valid(extra) THEN CASE extra ->> 'kind' WHEN 'rewind' THEN extra ->> 'to_seq' END END`;

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

/**
 * `name` is the id as its owner knows it; `id`, which rows and turns carry, is the same unless another owner's
 * conversation had it first. `head_seq` never goes back; `message_count` and `total_tokens` are those of the
 * rows still kept. `remembered` is what people have decided about tools for good: a JSON list of
 * {server, tool_name, definition, decision}, in their order; NULL for nothing. `spent_tokens` and `cost` are the sums
 * of the column `usage` over all rows there ever were; copied rows cost nothing.
 */
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
    total_tokens  INTEGER NOT NULL,
    name          TEXT NOT NULL,
    remembered    TEXT,
    spent_tokens  INTEGER NOT NULL DEFAULT 0,
    cost          REAL NOT NULL DEFAULT 0
  );
  CREATE UNIQUE INDEX conversations_by_name ON conversations (owner, name);
  CREATE INDEX conversations_by_time ON conversations (owner, updated_at, name);`;

/**
 * The identity of turns, which outlives their rows. "end" is JSON, NULL while the turn is open. `waiting_until`
 * is in ms since 1970: until then an open turn does nothing but wait for a person; else NULL.
 */
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
    waiting_until   INTEGER,
    PRIMARY KEY (conversation_id, request_id)
  );
  CREATE INDEX turns_open ON turns (conversation_id, begin_seq) WHERE ended_at IS NULL;
  CREATE INDEX turns_waiting ON turns (waiting_until) WHERE waiting_until IS NOT NULL;`;

/**
 * Ids of deleted conversations, and of forks that are still being copied. The sweep deletes their rows and turns, unless
 * the copy ends first: its last slice takes the id out again.
 */
const pendingDeletions = 'CREATE TABLE pending_deletions (conversation_id TEXT PRIMARY KEY);';

/** What was streamed of a message whose row is not written yet; it goes with that row, or with its turn. */
const drafts = `
  CREATE TABLE drafts (
    conversation_id TEXT PRIMARY KEY,
    message_id      TEXT NOT NULL,
    request_id      TEXT NOT NULL,
    text            TEXT NOT NULL,
    reasoning       TEXT NOT NULL,
    model           TEXT,
    updated_at      TEXT NOT NULL
  );`;

/** Makes the tables of `schemaVersion`, empty, in a file that has none of them. */
export function createTables(db: Database): void {
  db.exec(chatEvents + conversations + turns + pendingDeletions + drafts);
  noteVersion(db);
}

export function noteVersion(db: Database): void {
  db.pragma(`user_version = ${schemaVersion}`);
}
