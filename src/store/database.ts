/**
 * Opens the connections of the two threads. The only place that knows how SQLite is tuned,
 * and the only one that creates, migrates or empties a file.
 */
import { existsSync, realpathSync } from 'node:fs';
import Database from 'better-sqlite3';
import { adopt } from './file/import-legacy.ts';
import type { Adoption } from './file/import-legacy.ts';
import { checkContent, checkPath, checkVersionOf, refusal, refusalFor } from './file/file-checks.ts';
import type { Content } from './file/file-checks.ts';
import { identityOf, movedFile, watchFile, type FileWatch } from './file/file-identity.ts';
import { lockFor } from './file/lock.ts';
import { migrate } from './file/migrations.ts';
import { createTables } from './file/schema.ts';
import type { ThreadSettings } from './thread-messages.ts';

/** A writer met by another program's transaction waits this long before the chart backs off. */
const busyTimeoutMs = 500;
/**
 * Holds the index of some hundred thousand rows. Instead of a memory map, which was measured to
 * save the writer a tenth at most: an I/O error under a mapped page is no `storage_failed` but
 * a SIGBUS that ends the process (https://sqlite.org/mmap.html).
 */
const cacheKiB = 64 * 1024;
/** 40 MB of write-ahead log: rarer checkpoints, each of them a stall of 15 to 90 ms for the batch behind it. */
const checkpointPages = 10_000;
/** What remains of the write-ahead log on the disk after a burst. */
const logBytes = 64 * 1024 * 1024;
/** Pages that are given back to the file system at the end; 40 MB take a moment, a whole big file would not. */
const maxReturnedPages = 10_000;

export interface Connection {
  db: Database.Database;
  /** The file that is served, see `identityOf`. Null for a database in memory. */
  file: string | null;
  watch: FileWatch;
  /** Leaves the file in order: nothing in the write-ahead log, no space that retention freed. */
  fold(): void;
  close(): void;
}

export interface WriterConnection {
  connection: Connection;
  /** Null unless the file was another program's until now. */
  adoption: Adoption | null;
}

/**
 * Throws AppError `store_unavailable` if the file must not be served. `served`: the file of the last connection, null for
 * the first. Throws `storage_failed` if the path leads to another file than that.
 */
export function connectWriter(settings: ThreadSettings, served: string | null): WriterConnection {
  const { path } = settings;
  if (path === null) return { connection: connectMemory(), adoption: null };
  try {
    if (served !== null && identityOf(path) !== served) throw movedFile('event log');
    checkPath(path);
    if (served === null) checkVersionOf(path);
    return connectFile(path, settings, served !== null);
  } catch (error) {
    throw refusalFor(path, error);
  }
}

function connectMemory(): Connection {
  const db = new Database(':memory:');
  createTables(db);
  return { db, file: null, watch: { check() {}, checkLog() {} }, fold() {}, close: () => db.close() };
}

function connectFile(path: string, settings: ThreadSettings, reconnect: boolean): WriterConnection {
  // Two names of one file must mean one lock.
  const lock = lockFor(existsSync(path) ? realpathSync(path) : path);
  if (lock === null) throw refusal(path, 'is served by another Parley', 'Stop that one, or configure another path.');
  try {
    const { db, adoption } = openFile(path, settings, reconnect);
    const file = identityOf(path) ?? '';
    const connection = {
      db,
      file,
      watch: watchFile(db, path, file),
      fold() {
        db.pragma(`incremental_vacuum(${maxReturnedPages})`);
        db.pragma('wal_checkpoint(TRUNCATE)');
      },
      close() {
        try {
          db.close();
        } finally {
          lock.release();
        }
      },
    };
    return { connection, adoption };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openFile(
  path: string,
  settings: ThreadSettings,
  reconnect: boolean,
): { db: Database.Database; adoption: Adoption | null } {
  const db = new Database(path, { timeout: busyTimeoutMs, fileMustExist: reconnect });
  try {
    const adoption = reconnect ? null : prepareFile(db, path, settings);
    tune(db, settings);
    return { db, adoption };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Whatever must not be served is refused before the first change, or the change is rolled back. */
function prepareFile(db: Database.Database, path: string, settings: ThreadSettings): Adoption | null {
  const content = checkContent(db, path);
  // Takes effect only before the first table.
  if (content === 'nothing') db.pragma('auto_vacuum = INCREMENTAL');
  // Immediate, also when there is nothing to do: a file that cannot be written is found out here.
  const adoption = db.transaction(() => bringUpToDate(db, path, content, settings)).immediate();
  if (adoption !== null) makeShrinkable(db);
  if (db.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
    throw refusal(path, 'lies on a file system without write-ahead logging', 'Configure a path on a local disk.');
  }
  if (settings.clearOnStartup) clear(db);
  return adoption;
}

function bringUpToDate(
  db: Database.Database,
  path: string,
  content: Content,
  settings: ThreadSettings,
): Adoption | null {
  if (content === 'bare') return adopt(db, path, settings.adoptiveOwner);
  if (content === 'nothing') createTables(db);
  else migrate(db, content.schema);
  return null;
}

/** A file that was made otherwise keeps its size for ever, unless it is written anew once. */
function makeShrinkable(db: Database.Database): void {
  db.pragma('auto_vacuum = INCREMENTAL');
  db.exec('VACUUM');
}

function clear(db: Database.Database): void {
  db.transaction(() =>
    db.exec(
      'DELETE FROM chat_events; DELETE FROM turns; DELETE FROM drafts; DELETE FROM conversations; DELETE FROM pending_deletions;',
    ),
  ).immediate();
  db.exec('VACUUM');
}

function tune(db: Database.Database, settings: ThreadSettings): void {
  db.pragma(`synchronous = ${settings.synchronous}`);
  // A negative size is one in KiB.
  db.pragma(`cache_size = -${cacheKiB}`);
  db.pragma(`wal_autocheckpoint = ${checkpointPages}`);
  db.pragma(`journal_size_limit = ${logBytes}`);
}

/** The file exists and is current by now; this connection can do nothing but read. */
export function connectReader(path: string): Connection {
  const db = new Database(path, { readonly: true, timeout: busyTimeoutMs });
  db.pragma(`cache_size = -${cacheKiB}`);
  const file = identityOf(path) ?? '';
  return { db, file, watch: watchFile(db, path, file), fold() {}, close: () => db.close() };
}
