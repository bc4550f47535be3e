/** Writes a file as version 3 of the schema left it: a file of version 2, with the changes written out. */
import type Database from 'better-sqlite3';
import { versionTwoFile } from './version-2.ts';

const added = `
  ALTER TABLE conversations ADD COLUMN spent_tokens INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE conversations ADD COLUMN cost REAL NOT NULL DEFAULT 0;
  UPDATE conversations SET spent_tokens = 9 WHERE id = 'c';
  INSERT INTO leftovers (left_by) VALUES ('gone');
  INSERT INTO chat_events (id, conversation_id, seq, type, content) VALUES ('g1', 'gone', 1, 'user_message', 'Delete me.');
  PRAGMA user_version = 3;`;

/** Makes the file. Its conversation `gone` was deleted, and the sweep has not taken its one row yet. */
export function versionThreeFile(path: string, more: (db: Database.Database) => void = () => {}): void {
  versionTwoFile(path, (db) => {
    db.exec(added);
    more(db);
  });
}
