/**
 * Reads a database file for the commands: one snapshot, also while a server runs. Changes nothing, and checks only whether
 * the file can be read.
 */
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { AuditedTurn, LogRecord } from '../../../machines/audit.ts';
import type { LogRow } from '../../../machines/log.ts';
import { decodeRow } from '../columns.ts';
import type { StoredRow } from '../columns.ts';
import { checkVersion, unavailable, unavailableBecause } from './file-checks.ts';

/** Longer than a running server ever locks the file. */
const busyTimeoutMs = 5000;
const maxIntegrityProblems = 20;

/** A row with what is wrong in it. */
export interface CheckedRow {
  row: LogRow;
  /** Columns that cannot be decoded. They are absent in `row`. */
  unreadable: string[];
}

/** The file at one moment. Throws `store_unavailable` for a file that cannot be read. */
export interface ReadOnlyStore {
  /** Damage of pages and indexes, as SQLite reports it. Empty if none. */
  integrityProblems(): string[];
  /** The ids in the table `conversations`. */
  conversations(): string[];
  /** The ids of rows and turns that are missing in `conversations`. */
  orphans(): string[];
  /** The conversation's entries in the other tables. Null for an unknown conversation. */
  record(conversationId: string): LogRecord | null;
  /** In seq order. Read all rows before the next call. */
  rows(conversationId: string): Iterable<CheckedRow>;
  close(): void;
}

/** Throws AppError `store_unavailable` for a file that does not exist, is not from Parley, or has a newer version. */
export function openReadOnly(path: string): ReadOnlyStore {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) throw unavailable(path, 'does not exist', 'Start the server once, or name another file.');
  if (!file.isFile()) throw unavailable(path, 'is not a file', 'Name the file of a database.');
  let db: Database.Database | null = null;
  try {
    db = new Database(path, { readonly: true, timeout: busyTimeoutMs });
    // Reads earlier versions too, so that old backups can be checked.
    const version = Number(db.pragma('user_version', { simple: true }));
    checkVersion(version, path);
    if (version > 0) return readerOf(db, version);
    throw unavailable(path, 'was not written by Parley', 'Start the server with it once to import it.');
  } catch (error) {
    db?.close();
    throw unavailableBecause(path, error);
  }
}

function readerOf(db: Database.Database, version: number): ReadOnlyStore {
  // One transaction, so that all reads see the same snapshot.
  db.exec('BEGIN');
  const conversations = db.prepare<[], string>('SELECT id FROM conversations ORDER BY id').pluck();
  // Version 1 has no table of pending deletions. Versions 2 and 3 have it under an older name.
  const tables = new Set(db.prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all());
  const pending = tables.has('pending_deletions')
    ? 'UNION SELECT conversation_id FROM pending_deletions'
    : tables.has('leftovers')
      ? 'UNION SELECT left_by FROM leftovers'
      : '';
  const accounted = `(SELECT id FROM conversations ${pending})`;
  const strays = db
    .prepare<[], string>(`
    SELECT conversation_id FROM chat_events WHERE conversation_id NOT IN ${accounted}
     UNION SELECT conversation_id FROM turns WHERE conversation_id NOT IN ${accounted}`)
    .pluck();
  const record = db.prepare<[string], Omit<LogRecord, 'turns'>>(`
    SELECT oldest_seq AS oldestSeq, head_seq AS headSeq, message_count AS messages, total_tokens AS tokens
      FROM conversations WHERE id = ?`);
  const turns = db.prepare<[string], Omit<AuditedTurn, 'imported'> & { imported: number }>(`
    SELECT request_id AS requestId, begin_seq AS beginSeq, end_seq AS endSeq, digest = '' AS imported
      FROM turns WHERE conversation_id = ? ORDER BY begin_seq`);
  const rows = db.prepare<[string], StoredRow>('SELECT * FROM chat_events WHERE conversation_id = ? ORDER BY seq');

  return {
    integrityProblems() {
      const found = db.prepare<[], string>(`PRAGMA integrity_check(${maxIntegrityProblems})`).pluck().all();
      return found.filter((line) => line !== 'ok');
    },
    conversations: () => conversations.all(),
    orphans: () => strays.all(),
    record(conversationId) {
      const found = record.get(conversationId);
      if (found === undefined) return null;
      return { ...found, turns: turns.all(conversationId).map((turn) => ({ ...turn, imported: turn.imported === 1 })) };
    },
    *rows(conversationId) {
      for (const stored of rows.iterate(conversationId)) {
        const row = decodeRow(stored);
        // The migration to version 4 renames the key. Until then the file has the old one.
        if (version < 4 && 'harmless' in row.extra) row.extra['idempotent'] = row.extra['harmless'];
        yield { row, unreadable: unreadableColumns(stored, row) };
      }
    },
    close: () => db.close(),
  };
}

function unreadableColumns(stored: StoredRow, row: LogRow): string[] {
  const lost = (['tool_calls', 'usage', 'role'] as const).filter(
    (column) => stored[column] !== null && row[column] === null,
  );
  return [
    ...(stored.type === row.type ? [] : ['type']),
    ...lost,
    ...(stored.extra !== null && Object.keys(row.extra).length === 0 && stored.extra.trim() !== '{}' ? ['extra'] : []),
  ];
}
