/**
 * Locks a database file, so that only one process serves it. A lock on the database itself would block the read thread and
 * the sqlite3 shell. So the lock is an exclusive transaction on an empty file beside it, which the system releases when the
 * process ends for any reason.
 */
import Database from 'better-sqlite3';
import { createOwnerOnly, restrictToOwner } from './owner-only.ts';

export interface Lock {
  release(): void;
}

/**
 * Null if another process has the lock. The empty file is never removed: after a removal, two processes could hold locks on
 * two files of the same name.
 */
export function lockFor(path: string): Lock | null {
  const file = `${path}-lock`;
  createOwnerOnly(file);
  const lock = new Database(file, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    restrictToOwner(file);
    return { release: () => lock.close() };
  } catch (error) {
    lock.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
}
