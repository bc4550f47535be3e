/**
 * Notices that another program has moved, replaced or deleted the database under the server. Compares inodes, because a
 * connection keeps working on a file that no path leads to any more: what it commits there is lost. Never opens a file:
 * a close would drop all POSIX locks of this process on it (https://sqlite.org/howtocorrupt.html, section 2.2).
 */
import { statSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { AppError } from '../../errors.ts';

/** The device and inode that a path leads to. Null if it leads nowhere. */
export function identityOf(path: string): string | null {
  const file = statSync(path, { throwIfNoEntry: false, bigint: true });
  return file === undefined ? null : `${file.dev}:${file.ino}`;
}

/** Thrown when a commit would not be, or is not, in the file that the path leads to. */
export function movedFile(name: string): AppError {
  return new AppError('storage_failed', `the ${name} was moved, replaced or deleted by another program`, {
    data: { problem: 'moved' },
  });
}

/** The watch of one open connection. */
export interface IdentityWatch {
  /** Throws `storage_failed` if the database or its write-ahead log leads elsewhere than at the start. Two `stat` calls, a few µs. */
  check(): void;
  /**
   * The same for the write-ahead log alone. Without it the connection must stay: a second one of this process would
   * share its index of a log that is gone.
   */
  checkLog(): void;
}

/**
 * Watches the files of an open connection. The first time that a check throws, it tries to copy the write-ahead log into
 * the database file that is still open, so that a moved file is complete.
 */
export function watchFile(db: Database, path: string, served: string): IdentityWatch {
  let log: string | null = null;
  let broken = false;

  const fail = (name: string): never => {
    if (!broken) saveLog(db, path);
    broken = true;
    throw movedFile(name);
  };
  const checkLog = () => {
    const found = identityOf(`${path}-wal`);
    // SQLite creates the write-ahead log with the first write, and keeps it while a connection is open.
    log ??= found;
    if (log !== found) fail('write-ahead log');
  };
  return {
    check() {
      if (identityOf(path) !== served) fail('event log');
      checkLog();
    },
    checkLog,
  };
}

/** Does nothing beside a write-ahead log of another connection: two of them would mix their pages. */
function saveLog(db: Database, path: string): void {
  const other = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (identityOf(path) !== null && other !== undefined && other.size > 0) return;
  try {
    db.pragma('wal_checkpoint(FULL)');
  } catch {
    // The disk refuses, or another program holds the file. The failure that is thrown says what to do.
  }
}
