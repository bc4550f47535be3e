/**
 * Checks whether a database file may be served. If not, throws with the reason and the remedy. Reads only: a rejected file
 * is unchanged.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { AppError, codeOf } from '../../errors.ts';
import { rowColumns, schemaVersion } from './schema.ts';

/** Up to this size the start checks every page, in about 0.1 s. In a larger file it checks one small table only. */
const wholeCheckBytes = 64 * 1024 * 1024;

const columns = rowColumns.split(/,\s*/);

/** An error of the start, for the operator. */
export function unavailable(path: string, reason: string, remedy: string, cause?: unknown): AppError {
  return new AppError('store_unavailable', `The event log ${path} ${reason}. ${remedy}`, { cause });
}

/** Checks the path before the file is opened. Throws AppError `store_unavailable`. */
export function checkPath(path: string): void {
  const folder = statSync(dirname(path), { throwIfNoEntry: false });
  if (folder === undefined || !folder.isDirectory()) {
    throw unavailable(path, 'is in a folder that does not exist', 'Create the folder, or configure another path.');
  }
  if (isOnReadOnlyDisk(dirname(path))) {
    throw unavailable(
      path,
      'is on a disk that is mounted read-only',
      'Mount it for writing, or configure another path.',
    );
  }
  const file = statSync(path, { throwIfNoEntry: false });
  if (file !== undefined && !file.isFile()) {
    throw unavailable(path, file.isDirectory() ? 'is a directory' : 'is not a file', 'Configure the path of a file.');
  }
}

/**
 * Rejects a file with a second name (a hard link): lock and write-ahead log belong to a name, so two servers could write to
 * it at once (https://sqlite.org/howtocorrupt.html, section 2.5). Throws AppError `store_unavailable`.
 */
export function checkOnlyName(path: string): void {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined || file.nlink < 2) return;
  throw unavailable(
    path,
    'has a second name (a hard link), by which another server could write to it',
    'Remove the other name, or make a copy with `./run.sh backup`.',
  );
}

/** SQLite reports the same error for a read-only disk, a folder without write permission and a missing file. */
function isOnReadOnlyDisk(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch (error) {
    return codeOf(error) === 'EROFS';
  }
}

/**
 * Rejects a file of a newer version before it is opened for writing, because the close of such a connection may move
 * the write-ahead log of a killed server into the file. SQLite itself reads the version, with a read-only connection:
 * a plain open and close of the file would drop this process's locks on it (see file-identity.ts).
 */
export function checkVersionOf(path: string): void {
  if (!existsSync(path)) return;
  let db: Database.Database | null = null;
  try {
    db = new Database(path, { readonly: true, timeout: 0 });
    checkVersion(Number(db.pragma('user_version', { simple: true })), path);
  } catch (error) {
    // A rollback journal of a killed program has to be played back first, which needs a writer. checkContent looks again.
    if (!(error instanceof Database.SqliteError && error.code.startsWith('SQLITE_READONLY'))) throw error;
  } finally {
    db?.close();
  }
}

/** The content of a file that may be served. */
export type Content =
  | 'empty'
  /** A `chat_events` table of another program, without a version. */
  | 'legacy'
  /** Parley's tables, of this version. A dump has no version; then the tables show it. */
  | { schema: number };

/** What the database contains. Throws an AppError if Parley cannot use it: damaged, newer, or another program's. */
export function checkContent(db: Database.Database, path: string): Content {
  const version = Number(db.pragma('user_version', { simple: true }));
  checkVersion(version, path);
  const tables = db.prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')`).pluck().all();
  if (tables.length === 0) return 'empty';
  checkColumns(db, path);
  checkPages(db, path);
  if (version > 0) return { schema: version };
  const own = Object.entries(ownTables).filter(([table]) => tables.includes(table));
  for (const [table, column] of own) {
    if (columnsOf(db, table).includes(column)) continue;
    throw unavailable(
      path,
      `has a table ${table} of another program`,
      'Rename that table, or configure another path. The file was not changed.',
    );
  }
  if (own.length === 0) return 'legacy';
  if (tables.includes('owner_totals')) return { schema: 6 };
  if (columnsOf(db, 'conversations').includes('updated_seq')) return { schema: 5 };
  if (tables.includes('pending_deletions')) return { schema: 4 };
  if (columnsOf(db, 'conversations').includes('spent_tokens')) return { schema: 3 };
  return { schema: columnsOf(db, 'turns').includes('waiting_until') ? 2 : 1 };
}

/** The tables beside `chat_events`, each with a column by which it is known as Parley's. `leftovers`: before version 4. */
const ownTables = {
  conversations: 'oldest_seq',
  turns: 'begin_seq',
  pending_deletions: 'conversation_id',
  leftovers: 'left_by',
  drafts: 'message_id',
  owner_totals: 'forks',
};

/** Throws for a file of a newer version. */
export function checkVersion(version: number, path: string): void {
  if (version <= schemaVersion) return;
  throw unavailable(
    path,
    `was written by a newer version of Parley (its schema is ${version}, this one knows ${schemaVersion})`,
    'Start the newer version, or configure another path.',
  );
}

function columnsOf(db: Database.Database, table: string): string[] {
  return db.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table);
}

function checkColumns(db: Database.Database, path: string): void {
  const present = columnsOf(db, 'chat_events');
  const missing = columns.filter((column) => !present.includes(column));
  if (missing.length === 0) return;
  const reason = present.length === 0 ? 'is a database of another program' : `lacks columns: ${missing.join(', ')}`;
  throw unavailable(path, reason, 'Configure another path. The file was not changed.');
}

function checkPages(db: Database.Database, path: string): void {
  const bytes = Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }));
  const scope = bytes <= wholeCheckBytes ? '1' : 'conversations';
  const verdict = db.pragma(`quick_check(${scope})`, { simple: true });
  if (verdict !== 'ok') throw damaged(path, verdict);
}

function damaged(path: string, cause: unknown): AppError {
  return unavailable(
    path,
    'is damaged',
    'Restore a backup, or save what is left with "sqlite3 FILE .recover". The file was not changed.',
    cause,
  );
}

/** Converts an error of SQLite or the system into an error of the start, with a remedy. */
export function unavailableBecause(path: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof Database.SqliteError ? error.code.replace(/^SQLITE_([A-Z]+).*$/, '$1') : null;
  switch (code) {
    case 'NOTADB':
      return unavailable(path, 'is not a SQLite database', 'Configure another path. The file was not changed.', error);
    case 'CORRUPT':
      return damaged(path, error);
    case 'BUSY':
      return unavailable(
        path,
        'is locked by another program',
        'End that program or its transaction, then start again.',
        error,
      );
    case 'READONLY':
      return unavailable(path, 'is read-only', 'Give this user the right to write the file and its folder.', error);
    case 'CANTOPEN':
      return unavailable(path, 'cannot be opened', 'Give this user the right to write the file and its folder.', error);
    case 'FULL':
      return unavailable(path, 'cannot be written: the disk is full', 'Free some space, then start again.', error);
    default:
      return unavailable(path, `cannot be opened (${String(error)})`, 'Check the disk and the file.', error);
  }
}
