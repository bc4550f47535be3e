/** Makes a database file of version 1 of the schema, written out, because no code creates it any more. */
import type Database from 'better-sqlite3';
import { elsewhere, owner } from './support.ts';

const schema = `
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
  CREATE UNIQUE INDEX chat_events_by_seq ON chat_events (conversation_id, seq);
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
  );
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

const at = '2026-01-01T00:00:00.000Z';

/** A conversation `c` with a turn r1 that has ended and r2 that has not, and `d` with one that has. */
const content = `
  INSERT INTO chat_events (id, conversation_id, seq, timestamp, type, role, content, extra, token_count, request_id) VALUES
    ('m1', 'c', 1, '${at}', 'user_message',      'user',      'Hello',          NULL,                   2, 'r1'),
    ('m2', 'c', 2, '${at}', 'assistant_message', 'assistant', 'Hi',             NULL,                   1, 'r1'),
    ('m3', 'c', 3, '${at}', 'meta',              NULL,        NULL,             '{"kind":"turn_end"}',  NULL, 'r1'),
    ('m4', 'c', 4, '${at}', 'user_message',      'user',      'Are you there?', NULL,                   4, 'r2'),
    ('m5', 'd', 1, '${at}', 'user_message',      'user',      'Good evening',   NULL,                   3, 'r1'),
    ('m6', 'd', 2, '${at}', 'meta',              NULL,        NULL,             '{"kind":"turn_end"}',  NULL, 'r1');
  INSERT INTO conversations VALUES
    ('c', '${owner}', 'Hello',        '${at}', '${at}', 4, 1, 3, 7),
    ('d', '${owner}', 'Good evening', '${at}', '${at}', 2, 1, 1, 3);
  INSERT INTO turns VALUES
    ('c', 'r1', 'digest of r1', 1, '${at}', '{"status":"complete"}', 3, '${at}'),
    ('c', 'r2', 'digest of r2', 4, '${at}', NULL, NULL, NULL),
    ('d', 'r1', 'digest of r1', 1, '${at}', '{"status":"complete"}', 2, '${at}');`;

/** Makes the file; `more` changes it before it is closed. */
export function versionOneFile(path: string, more: (db: Database.Database) => void = () => {}): void {
  elsewhere(path, (db) => {
    db.pragma('auto_vacuum = INCREMENTAL');
    db.pragma('journal_mode = WAL');
    db.exec(schema + content);
    db.pragma('user_version = 1');
    more(db);
  });
}
