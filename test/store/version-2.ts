/** Makes a database file of version 2 of the schema: version 1 with the additions of version 2, written out. */
import type Database from 'better-sqlite3';
import { versionOneFile } from './version-1.ts';

const added = `
  ALTER TABLE turns ADD COLUMN waiting_until INTEGER;
  CREATE INDEX turns_waiting ON turns (waiting_until) WHERE waiting_until IS NOT NULL;
  ALTER TABLE conversations ADD COLUMN name TEXT NOT NULL DEFAULT '';
  UPDATE conversations SET name = id;
  ALTER TABLE conversations ADD COLUMN remembered TEXT;
  CREATE UNIQUE INDEX conversations_by_name ON conversations (owner, name);
  CREATE INDEX conversations_by_time ON conversations (owner, updated_at, name);
  CREATE TABLE leftovers (left_by TEXT PRIMARY KEY);
  CREATE TABLE drafts (
    conversation_id TEXT PRIMARY KEY, message_id TEXT NOT NULL, request_id TEXT NOT NULL,
    text TEXT NOT NULL, reasoning TEXT NOT NULL, model TEXT, updated_at TEXT NOT NULL
  );
  UPDATE chat_events SET usage = '{"prompt_tokens":8,"completion_tokens":1,"total_tokens":9}' WHERE id = 'm2';
  UPDATE chat_events SET usage = 'no json' WHERE id = 'm5';
  PRAGMA user_version = 2;`;

/** Makes the file; the answer in its conversation `c` has used 9 tokens. */
export function versionTwoFile(path: string, more: (db: Database.Database) => void = () => {}): void {
  versionOneFile(path, (db) => {
    db.exec(added);
    more(db);
  });
}
