/** Reads the conversation under test from the database file, beside a running server or without one. */
import type { LogRow } from '../../machines/log.ts';
import { openReadOnly } from '../../src/store/file/read-only-store.ts';
import { HELD_CONVERSATION } from './held-store-messages.ts';

/**
 * Returns the rows and, as `open`, the request ids of turns without an end. Throws when the file does not exist or is
 * not Parley's.
 */
export function readLog(database: string): { rows: LogRow[]; open: string[] } {
  const archive = openReadOnly(database);
  try {
    const record = archive.record(HELD_CONVERSATION);
    const open = (record?.turns ?? []).filter(({ endSeq }) => endSeq === null).map(({ requestId }) => requestId);
    return { rows: [...archive.rows(HELD_CONVERSATION)].map(({ row }) => row), open };
  } finally {
    archive.close();
  }
}
