/**
 * A database file as the commands see it: one moment of it, read from beginning to end, beside a
 * running server or without one. Changes nothing and judges nothing but whether it can be read.
 */
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { AuditedTurn, LogRecord } from '../../../machines/audit.ts';
import type { LogRow } from '../../../machines/log.ts';
import { decodeRow } from '../columns.ts';
import type { StoredRow } from '../columns.ts';
import { checkVersion, refusal, refusalFor } from './file-checks.ts';

/** Longer than a running server ever holds the file for itself. */
const busyTimeoutMs = 5000;
const maxComplaints = 20;

export interface ArchivedRow {
  row: LogRow;
  /** Columns whose content no reader understands; in `row` they are absent. */
  unreadable: string[];
}

export interface Archive {
  /** What SQLite finds wrong with its own pages and indexes; empty when nothing is. */
  complaints(): string[];
  /** Ids of all that have an entry in `conversations`. */
  conversations(): string[];
  /** Ids that rows or turns name and `conversations` does not. */
  strays(): string[];
  /** What the tables beside the log say of a conversation; null for an unknown one. */
  record(conversationId: string): LogRecord | null;
  /** In seq order. Nothing else may be asked until all were taken. */
  rows(conversationId: string): Iterable<ArchivedRow>;
  close(): void;
}

/** Throws AppError `store_unavailable` for a file that is not there, not ours, or of a newer version. */
export function openArchive(path: string): Archive {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) throw refusal(path, 'does not exist', 'Start the server once, or name another file.');
  if (!file.isFile()) throw refusal(path, 'is not a file', 'Name the file of a database.');
  let db: Database.Database | null = null;
  try {
    db = new Database(path, { readonly: true, timeout: busyTimeoutMs });
    // What is read here has been the same since version 1, so that old backups can be checked.
    const version = Number(db.pragma('user_version', { simple: true }));
    checkVersion(version, path);
    if (version > 0) return archiveOf(db);
    throw refusal(
      path,
      'was not written by Parley',
      'A file of another program is taken over when the server starts with it.',
    );
  } catch (error) {
    db?.close();
    throw refusalFor(path, error);
  }
}

function archiveOf(db: Database.Database): Archive {
  // One transaction, so that all answers are of the same moment.
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
  const turns = db.prepare<[string], Omit<AuditedTurn, 'adopted'> & { adopted: number }>(`
    SELECT request_id AS requestId, begin_seq AS beginSeq, end_seq AS endSeq, digest = '' AS adopted
      FROM turns WHERE conversation_id = ? ORDER BY begin_seq`);
  const rows = db.prepare<[string], StoredRow>('SELECT * FROM chat_events WHERE conversation_id = ? ORDER BY seq');

  return {
    complaints() {
      const found = db.prepare<[], string>(`PRAGMA integrity_check(${maxComplaints})`).pluck().all();
      return found.filter((line) => line !== 'ok');
    },
    conversations: () => conversations.all(),
    strays: () => strays.all(),
    record(conversationId) {
      const found = record.get(conversationId);
      if (found === undefined) return null;
      return { ...found, turns: turns.all(conversationId).map((turn) => ({ ...turn, adopted: turn.adopted === 1 })) };
    },
    *rows(conversationId) {
      for (const stored of rows.iterate(conversationId)) {
        const row = decodeRow(stored);
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
