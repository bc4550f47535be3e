/**
 * Opens the database connections of the two threads. The only file that tunes SQLite, and that creates, migrates or empties
 * a database.
 */
import { existsSync, realpathSync } from 'node:fs';
import Database from 'better-sqlite3';
import { importLegacy } from './file/import-legacy.ts';
import type { LegacyImport } from './file/import-legacy.ts';
import {
  checkContent,
  checkOnlyName,
  checkPath,
  checkVersionOf,
  unavailable,
  unavailableBecause,
} from './file/file-checks.ts';
import type { Content } from './file/file-checks.ts';
import { identityOf, movedFile, watchFile, type IdentityWatch } from './file/file-identity.ts';
import { lockFor } from './file/lock.ts';
import { migrate } from './file/migrations.ts';
import { createOwnerOnly, restrictToOwner } from './file/owner-only.ts';
import { createTables } from './file/schema.ts';
import type { ThreadSettings } from './thread-messages.ts';

/** The writer waits this long for another program's transaction before the chart backs off. */
const busyTimeoutMs = 500;
/**
 * Holds the index of a few hundred thousand rows. A memory map would save the writer a tenth at most (measured), but an
 * I/O error under a mapped page is a SIGBUS that ends the process, not a `storage_failed` (https://sqlite.org/mmap.html).
 */
const cacheKiB = 64 * 1024;
/** Of the reader: large results pass through it, so a larger one would only keep what nothing reads again. */
const readerCacheKiB = 16 * 1024;
/** 40 MB of write-ahead log: checkpoints are rare, because each delays the next batch by 15 to 90 ms. */
const checkpointPages = 10_000;
/** Size of the write-ahead log file after a burst. */
const logBytes = 64 * 1024 * 1024;
/** Most pages that are returned to the file system at close: 40 MB, which is quick. */
const maxReturnedPages = 10_000;

/** An open connection of one thread. */
export interface Connection {
  db: Database.Database;
  /** The file that is served, see `identityOf`. Null for a database in memory. */
  file: string | null;
  watch: IdentityWatch;
  /** Moves the write-ahead log into the file, and returns free pages to the file system. */
  checkpoint(): void;
  close(): void;
}

/** The connection of the write thread. */
export interface WriterConnection {
  connection: Connection;
  /** Null unless the file came from another program and was imported now. */
  legacyImport: LegacyImport | null;
}

/**
 * Throws AppError `store_unavailable` if the file must not be served. `served`: the file of the last connection, null for
 * the first. Throws `storage_failed` if the path leads to another file than that.
 */
export function connectWriter(settings: ThreadSettings, served: string | null): WriterConnection {
  const { path } = settings;
  if (path === null) return { connection: connectMemory(), legacyImport: null };
  try {
    if (served !== null && identityOf(path) !== served) throw movedFile('event log');
    checkPath(path);
    if (served === null) checkOnlyName(path);
    if (served === null) checkVersionOf(path);
    return connectFile(path, settings, served !== null);
  } catch (error) {
    throw unavailableBecause(path, error);
  }
}

function connectMemory(): Connection {
  const db = new Database(':memory:');
  createTables(db);
  return { db, file: null, watch: { check() {}, checkLog() {} }, checkpoint() {}, close: () => db.close() };
}

function connectFile(path: string, settings: ThreadSettings, reconnect: boolean): WriterConnection {
  // Two names of one file must give the same lock.
  const lock = lockFor(existsSync(path) ? realpathSync(path) : path);
  if (lock === null && reconnect) throw movedFile('lock file');
  if (lock === null)
    throw unavailable(path, 'is served by another Parley process', 'Stop that process, or configure another path.');
  try {
    const { db, legacyImport } = openFile(path, settings, reconnect);
    const file = identityOf(path) ?? '';
    const files = watchFile(db, path, file);
    const connection = {
      db,
      file,
      watch: {
        check() {
          lock.keep();
          files.check();
        },
        checkLog: files.checkLog,
      },
      checkpoint() {
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
    return { connection, legacyImport };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openFile(
  path: string,
  settings: ThreadSettings,
  reconnect: boolean,
): { db: Database.Database; legacyImport: LegacyImport | null } {
  if (!reconnect) createOwnerOnly(path);
  const db = new Database(path, { timeout: busyTimeoutMs, fileMustExist: reconnect });
  try {
    const legacyImport = reconnect ? null : prepareFile(db, path, settings);
    tune(db, settings);
    // After the checks: a file that is not served stays as it is.
    restrictToOwner(path);
    return { db, legacyImport };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A file that must not be served is rejected before the first change, or the change is rolled back. */
function prepareFile(db: Database.Database, path: string, settings: ThreadSettings): LegacyImport | null {
  const content = checkContent(db, path);
  // Takes effect only before the first table.
  if (content === 'empty') db.pragma('auto_vacuum = INCREMENTAL');
  // Immediate, even if there is nothing to do: it detects a file that cannot be written.
  const legacyImport = db.transaction(() => bringUpToDate(db, path, content, settings)).immediate();
  if (legacyImport !== null) makeShrinkable(db);
  if (db.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
    throw unavailable(path, 'is on a file system without write-ahead logging', 'Configure a path on a local disk.');
  }
  if (settings.clearOnStartup) clear(db);
  return legacyImport;
}

function bringUpToDate(
  db: Database.Database,
  path: string,
  content: Content,
  settings: ThreadSettings,
): LegacyImport | null {
  if (content === 'legacy') return importLegacy(db, path, settings.legacyOwner);
  if (content === 'empty') createTables(db);
  else migrate(db, content.schema);
  return null;
}

/** A file without incremental vacuum never shrinks, unless it is rewritten once. */
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

/** Opens a read-only connection. The file exists and is migrated by now. */
export function connectReader(path: string): Connection {
  const db = new Database(path, { readonly: true, timeout: busyTimeoutMs });
  db.pragma(`cache_size = -${readerCacheKiB}`);
  const file = identityOf(path) ?? '';
  return { db, file, watch: watchFile(db, path, file), checkpoint() {}, close: () => db.close() };
}
