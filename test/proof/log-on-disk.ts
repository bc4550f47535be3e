/** The proven conversation as the database file has it, read beside a running server or without one. */
import type { LogRow } from '../../machines/log.ts';
import { openArchive } from '../../src/store/file/archive.ts';
import { HELD_CONVERSATION } from './held-store-messages.ts';

/** `open`: turns without an end, by request id. Throws when there is no file, or none of ours. */
export function readLog(database: string): { rows: LogRow[]; open: string[] } {
  const archive = openArchive(database);
  try {
    const record = archive.record(HELD_CONVERSATION);
    const open = (record?.turns ?? []).filter(({ endSeq }) => endSeq === null).map(({ requestId }) => requestId);
    return { rows: [...archive.rows(HELD_CONVERSATION)].map(({ row }) => row), open };
  } finally {
    archive.close();
  }
}
