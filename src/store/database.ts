/**
 * Opens the connections of the two threads. The only place that knows how SQLite is tuned,
 * and the only one that creates, migrates or empties a file.
 */
import { existsSync, realpathSync } from 'node:fs';
import Database from 'better-sqlite3';
import { checkContent, checkPath, refusal, refusalFor } from './file-checks.ts';
import { lockFor } from './lock.ts';
import { migrate } from './schema.ts';
import type { ThreadSettings } from './thread-messages.ts';

/** A writer met by another program's transaction waits this long before the chart backs off. */
const busyTimeoutMs = 500;
/** Holds the index of some million rows; SQLite counts negative sizes in KiB. */
const cacheKiB = 64 * 1024;
const mmapBytes = 256 * 1024 * 1024;
/** 40 MB of write-ahead log: rarer checkpoints, each of them a stall of 15 to 90 ms for the batch behind it. */
const checkpointPages = 10_000;
/** Pages that are given back to the file system at the end; 40 MB take a moment, a whole big file would not. */
const maxReturnedPages = 10_000;

export interface Connection {
  db: Database.Database;
  /** Leaves the file in order: nothing in the write-ahead log, no space that retention freed. */
  fold(): void;
  close(): void;
}

/** Throws AppError `store_unavailable` when the file must not be served. `reconnect`: it was served before. */
export function connectWriter(settings: ThreadSettings, reconnect: boolean): Connection {
  const { path } = settings;
  if (path === null) return connectMemory(settings);
  checkPath(path);
  try {
    return connectFile(path, settings, reconnect);
  } catch (error) {
    throw refusalFor(path, error);
  }
}

function connectMemory(settings: ThreadSettings): Connection {
  const db = new Database(':memory:');
  migrate(db, settings.adoptiveOwner);
  return { db, fold() {}, close: () => db.close() };
}

function connectFile(path: string, settings: ThreadSettings, reconnect: boolean): Connection {
  // Two names of one file must mean one lock.
  const lock = lockFor(existsSync(path) ? realpathSync(path) : path);
  if (lock === null) throw refusal(path, 'is served by another Parley', 'Stop that one, or configure another path.');
  try {
    const db = openFile(path, settings, reconnect);
    return {
      db,
      fold() {
        db.pragma(`incremental_vacuum(${maxReturnedPages})`);
        db.pragma('wal_checkpoint(TRUNCATE)');
      },
      close() {
        db.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openFile(path: string, settings: ThreadSettings, reconnect: boolean): Database.Database {
  const db = new Database(path, { timeout: busyTimeoutMs, fileMustExist: reconnect });
  try {
    if (!reconnect) prepareFile(db, path, settings);
    tune(db, settings);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** From here on the file is changed; what must not be served is refused before. */
function prepareFile(db: Database.Database, path: string, settings: ThreadSettings): void {
  const empty = checkContent(db, path);
  // Takes effect only before the first table.
  if (empty) db.pragma('auto_vacuum = INCREMENTAL');
  if (db.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
    throw refusal(path, 'lies on a file system without write-ahead logging', 'Configure a path on a local disk.');
  }
  // Immediate, also when there is nothing to migrate: a file that cannot be written is found out here.
  db.transaction(() => migrate(db, settings.adoptiveOwner)).immediate();
  if (settings.clearOnStartup) clear(db);
}

function clear(db: Database.Database): void {
  db.transaction(() => db.exec('DELETE FROM chat_events; DELETE FROM turns; DELETE FROM conversations;')).immediate();
  db.exec('VACUUM');
}

function tune(db: Database.Database, settings: ThreadSettings): void {
  db.pragma(`synchronous = ${settings.synchronous}`);
  db.pragma(`cache_size = -${cacheKiB}`);
  db.pragma(`mmap_size = ${mmapBytes}`);
  db.pragma(`wal_autocheckpoint = ${checkpointPages}`);
  // A burst's write-ahead log does not stay on the disk for ever.
  db.pragma(`journal_size_limit = ${mmapBytes}`);
}

/** The file exists and is current by now; this connection can do nothing but read. */
export function connectReader(path: string): Connection {
  const db = new Database(path, { readonly: true, timeout: busyTimeoutMs });
  db.pragma(`cache_size = -${cacheKiB}`);
  db.pragma(`mmap_size = ${mmapBytes}`);
  return { db, fold() {}, close: () => db.close() };
}
