/** The proven conversation as the database file has it, read beside a running server or without one. */
import type { LogRow } from '../../machines/log.ts';
import { openReadOnly } from '../../src/store/file/read-only-store.ts';
import { PROVEN } from './conversation-ids.ts';

/** `open`: turns without an end, by request id. Throws when there is no file, or none of ours. */
export function readLog(database: string): { rows: LogRow[]; open: string[] } {
  const archive = openReadOnly(database);
  try {
    const record = archive.record(PROVEN);
    const open = (record?.turns ?? []).filter(({ endSeq }) => endSeq === null).map(({ requestId }) => requestId);
    return { rows: [...archive.rows(PROVEN)].map(({ row }) => row), open };
  } finally {
    archive.close();
  }
}
