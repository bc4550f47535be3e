/**
 * Creates the tables. `chat_events` is public: people query it, so its columns and their meaning never change. Runs in the
 * write thread, inside one transaction of the caller.
 */
import type { Database } from 'better-sqlite3';

/** `user_version` of the files that this program writes. */
export const schemaVersion = 5;

/** The columns of a row, as reads return them. */
export const rowColumns = `id, conversation_id, seq, timestamp, type, role, content, tool_calls, tool_call_id,
  model, usage, extra, token_count, request_id`;

/** A larger `extra` is read apart, in bytes. Only results of tools have one: servers may send 16 MiB. */
export const largeExtraBytes = 65_536;

/** True for a row with a large `extra` that SQLite can take apart. */
const isDivisible = `octet_length(extra) > ${largeExtraBytes} AND json_valid(extra)`;

/** The blocks with images of a whole result, as a JSON list. Other programs may have written members that are no objects. */
const imageBlocks = `(
  SELECT json_group_array(json(block.value)) FROM json_each(extra, '$.whole.content') AS block
   WHERE CASE WHEN block.type = 'object' THEN block.value ->> '$.type' = 'image'
           OR (block.value ->> '$.resource.blob' IS NOT NULL AND block.value ->> '$.resource.mimeType' LIKE '%image/%') END)`;

/**
 * `extra` with the parts of a large result that clients get in chunks: the images, and the text for people. The rest, up to
 * 16 MiB, stays in the log.
 */
export const shownExtra = `CASE WHEN ${isDivisible}
  THEN json_replace(extra, '$.whole', json_object('content', json(${imageBlocks}), 'user_text', extra ->> '$.whole.user_text'))
  ELSE extra END AS extra`;

/** `rowColumns` with `shownExtra`. */
export const shownRowColumns = rowColumns.replace('extra', shownExtra);

/** `rowColumns` without the whole result of a tool if it is large. `isCut` is 1 then, else 0. */
export const leanRowColumns = `${rowColumns.replace(
  'extra',
  `CASE WHEN ${isDivisible} THEN json_remove(extra, '$.whole') ELSE extra END AS extra`,
)}, (${isDivisible}) IS TRUE AS isCut`;

/** The seq that a row rewinds to. NULL for other rows, and for `extra` that is not JSON, which other programs wrote. */
export const rewindTarget = `CASE WHEN type = 'meta' AND json_valid(extra) THEN CASE extra ->> 'kind' WHEN 'rewind' THEN extra ->> 'to_seq' END END`;

/** Length of a title in characters: the first words of the conversation. */
export const titleLength = 80;

/** A rowid table, because WITHOUT ROWID is 4 to 5 times slower with rows of this size. */
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
 * `name` is the id that the owner uses. `id`, which rows and turns have, is the same unless another owner's conversation had
 * it first. `head_seq` never decreases. `message_count` and `total_tokens` count the rows that are kept. `remembered` has
 * the remembered decisions about tools: a JSON list of {server, tool_name, definition, decision}, in order; NULL for none.
 * `updated_seq` numbers the updates of all conversations. It orders lists, because clocks may be set back.
 * `spent_tokens` and `cost` are sums of the column `usage` over all rows, deleted ones included. Copied rows cost nothing.
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
    cost          REAL NOT NULL DEFAULT 0,
    updated_seq   INTEGER NOT NULL DEFAULT 0
  );
  CREATE UNIQUE INDEX conversations_by_name ON conversations (owner, name);
  CREATE INDEX conversations_by_update ON conversations (owner, updated_seq);`;

/**
 * The turns, which are kept longer than their rows. "end" is JSON, NULL while the turn is open. `waiting_until`, in ms since
 * 1970, is set while an open turn only waits for a person; else NULL.
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

/** The drafts of messages whose rows are not written yet. A draft is deleted with the insert of its row, or the end of its turn. */
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

/** Creates the empty tables of `schemaVersion` in a file without tables. */
export function createTables(db: Database): void {
  db.exec(chatEvents + conversations + turns + pendingDeletions + drafts);
  noteVersion(db);
}

/** Writes the version of the schema into the file. */
export function noteVersion(db: Database): void {
  db.pragma(`user_version = ${schemaVersion}`);
}
