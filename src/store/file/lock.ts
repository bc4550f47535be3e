/**
 * Says that this process serves a database file, so that a second one keeps off. A lock on the
 * database itself would shut out the reader and the sqlite3 shell; this one is an exclusive
 * transaction on an empty file beside it, which the system releases however the process ends.
 */
import Database from 'better-sqlite3';

export interface Lock {
  release(): void;
}

/**
 * Null when another process holds it. The empty file stays behind on purpose: to remove it
 * would let two processes hold locks on two files of the same name.
 */
export function lockFor(path: string): Lock | null {
  const lock = new Database(`${path}-lock`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return { release: () => lock.close() };
  } catch (error) {
    lock.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
}
