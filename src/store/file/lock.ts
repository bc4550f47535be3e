/**
 * Locks a database file, so that only one process serves it. A lock on the database itself would block the read thread and
 * the sqlite3 shell. So the lock is an exclusive transaction on an empty file beside it, which the system releases when the
 * process ends for any reason.
 */
import Database from 'better-sqlite3';
import { identityOf, movedFile } from './file-identity.ts';
import { createOwnerOnly, restrictToOwner } from './owner-only.ts';

/** The lock of one database. */
export interface Lock {
  /**
   * Locks a new file if another program has removed the old one. Throws `storage_failed` if another process has locked it
   * first. Call it before each commit.
   */
  keep(): void;
  release(): void;
}

/** Null if another process has the lock. Parley never removes the empty file: two processes could lock two files of one name. */
export function lockFor(path: string): Lock | null {
  const file = `${path}-lock`;
  let held = lockFile(file);
  if (held === null) return null;
  let locked = identityOf(file);
  return {
    keep() {
      if (locked !== null && identityOf(file) === locked) return;
      locked = null;
      const next = lockFile(file);
      if (next === null) throw movedFile('lock file');
      held?.close();
      held = next;
      locked = identityOf(file);
    },
    release: () => held?.close(),
  };
}

function lockFile(file: string): Database.Database | null {
  createOwnerOnly(file);
  const lock = new Database(file, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    restrictToOwner(file);
    return lock;
  } catch (error) {
    lock.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
}
