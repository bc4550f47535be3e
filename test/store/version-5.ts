/** Makes a database file as version 5 of the schema left it: version 4 with the changes of version 5, written out. */
import type Database from 'better-sqlite3';
import { versionFourFile } from './version-4.ts';

const changed = `
  ALTER TABLE conversations ADD COLUMN updated_seq INTEGER NOT NULL DEFAULT 0;
  UPDATE conversations SET updated_seq = 1 + (id = 'd');
  DROP INDEX conversations_by_time;
  CREATE INDEX conversations_by_update ON conversations (owner, updated_seq);
  PRAGMA user_version = 5;`;

/** Makes the file; `more` changes it before it is closed. */
export function versionFiveFile(path: string, more: (db: Database.Database) => void = () => {}): void {
  versionFourFile(path, (db) => {
    db.exec(changed);
    more(db);
  });
}
