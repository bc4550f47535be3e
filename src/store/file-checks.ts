/**
 * Whether a database file may be served, and if not, the sentence that says why and what to do.
 * Reads only: a file that is refused stays as it was.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { AppError } from '../errors.ts';
import { schemaVersion } from './schema.ts';

/** Up to here every page is checked at start, in about 0.1 s; beyond, the small table and SQLite's own checks must do. */
const wholeCheckBytes = 64 * 1024 * 1024;

const columns = [
  'id', 'conversation_id', 'seq', 'timestamp', 'type', 'role', 'content',
  'tool_calls', 'tool_call_id', 'model', 'usage', 'extra', 'token_count', 'request_id',
];

/** A start-up refusal, for the person who starts the server. */
export function refusal(path: string, reason: string, remedy: string, cause?: unknown): AppError {
  return new AppError('store_unavailable', `The event log ${path} ${reason}. ${remedy}`, { cause });
}

/** Before anything is opened. */
export function checkPath(path: string): void {
  const folder = statSync(dirname(path), { throwIfNoEntry: false });
  if (folder === undefined || !folder.isDirectory()) {
    throw refusal(path, 'lies in a folder that does not exist', 'Create the folder, or configure another path.');
  }
  const file = statSync(path, { throwIfNoEntry: false });
  if (file !== undefined && !file.isFile()) {
    throw refusal(path, file.isDirectory() ? 'is a directory' : 'is not a file', 'Configure the path of a file.');
  }
}

/** True for a file that has no tables yet. */
export function checkContent(db: Database.Database, path: string): boolean {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > schemaVersion) {
    throw refusal(
      path,
      `was written by a newer version of Parley (its schema is ${version}, this one knows ${schemaVersion})`,
      'Start the newer version, or configure another path.',
    );
  }
  const tables = db.prepare<[], number>(`SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'`).pluck().get();
  if (tables === 0) return true;
  checkColumns(db, path);
  if (version === 0) checkOrder(db, path);
  checkPages(db, path);
  return false;
}

function checkColumns(db: Database.Database, path: string): void {
  const present = db.prepare<[], string>(`SELECT name FROM pragma_table_info('chat_events')`).pluck().all();
  const missing = columns.filter((column) => !present.includes(column));
  if (missing.length === 0) return;
  const reason = present.length === 0 ? 'is a database of another program' : `lacks columns: ${missing.join(', ')}`;
  throw refusal(path, reason, 'Configure another path; this file was not changed.');
}

/** A file of another program is taken over only where its rows already have the order that ours have. */
function checkOrder(db: Database.Database, path: string): void {
  const disordered = db.prepare<[], string>(`
    SELECT conversation_id FROM chat_events GROUP BY conversation_id
    HAVING COUNT(*) <> COUNT(DISTINCT seq) OR COUNT(*) <> MAX(seq) - MIN(seq) + 1 LIMIT 1`).pluck().get();
  if (disordered === undefined) return;
  throw refusal(
    path,
    `has rows of conversation ${disordered} whose seq is missing, repeated or not consecutive`,
    'Number its rows anew, or configure another path; this file was not changed.',
  );
}

function checkPages(db: Database.Database, path: string): void {
  const bytes = Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }));
  const scope = bytes <= wholeCheckBytes ? '1' : 'conversations';
  const verdict = db.pragma(`quick_check(${scope})`, { simple: true });
  if (verdict !== 'ok') throw damaged(path, verdict);
}

function damaged(path: string, cause: unknown): AppError {
  return refusal(
    path,
    'is damaged',
    'Restore a backup, or save what is left with "sqlite3 FILE .recover"; this file was not changed.',
    cause,
  );
}

/** What SQLite or the system says when a file cannot be opened, read or written, as a refusal. */
export function refusalFor(path: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof Database.SqliteError ? error.code.replace(/^SQLITE_([A-Z]+).*$/, '$1') : null;
  switch (code) {
    case 'NOTADB':
      return refusal(path, 'is not a SQLite database', 'Configure another path; this file was not changed.', error);
    case 'CORRUPT':
      return damaged(path, error);
    case 'BUSY':
      return refusal(path, 'is locked by another program', 'End that program or its transaction, then start again.', error);
    case 'READONLY':
      return refusal(path, 'is read-only', 'Give this user the right to write the file and its folder.', error);
    case 'CANTOPEN':
      return refusal(path, 'cannot be opened', 'Give this user the right to write the file and its folder.', error);
    case 'FULL':
      return refusal(path, 'cannot be written: the disk is full', 'Free some space, then start again.', error);
    default:
      return refusal(path, `cannot be opened (${String(error)})`, 'Check the disk and the file.', error);
  }
}
