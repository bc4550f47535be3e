/** Makes a database file as version 4 of the schema left it: version 3 with the changes of version 4, written out. */
import type Database from 'better-sqlite3';
import { versionThreeFile } from './version-3.ts';

/** The conversation `d` is newer than `c`, which has the greater id of a row. */
const changed = `
  ALTER TABLE leftovers RENAME TO pending_deletions;
  ALTER TABLE pending_deletions RENAME COLUMN left_by TO conversation_id;
  UPDATE chat_events SET extra = replace(extra, '"harmless":true,"att', '"idempotent":true,"att');
  UPDATE conversations SET updated_at = '2026-01-01T00:00:01.000Z' WHERE id = 'd';
  PRAGMA user_version = 4;`;

/** Makes the file; `more` changes it before it is closed. */
export function versionFourFile(path: string, more: (db: Database.Database) => void = () => {}): void {
  versionThreeFile(path, (db) => {
    db.exec(changed);
    more(db);
  });
}
