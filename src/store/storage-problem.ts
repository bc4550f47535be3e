/** Says why the event log cannot be written, for the client whose message was rejected. */
import Database from 'better-sqlite3';
import type { StorageProblem } from '../../machines/writer-types.ts';
import { fault } from '../errors.ts';
import type { Fault } from '../../machines/log.ts';

/** The problem behind an error of SQLite or of this store. */
export function storageProblemOf(error: unknown): StorageProblem {
  if (error instanceof Database.SqliteError) {
    if (error.code.startsWith('SQLITE_BUSY') || error.code.startsWith('SQLITE_LOCKED')) return 'locked';
    if (error.code === 'SQLITE_FULL') return 'full';
    if (error.code.startsWith('SQLITE_READONLY')) return 'read_only';
    if (error.code.startsWith('SQLITE_IOERR')) return 'disk';
  }
  return 'other';
}

const CAUSES: Readonly<Record<StorageProblem, string>> = {
  full: 'The disk of the event log is full.',
  locked: 'Another program holds the database of the event log.',
  read_only: 'The event log is read-only.',
  moved: 'The file of the event log was moved, replaced or deleted.',
  disk: 'The disk of the event log reports an error: it may be full or broken.',
  other: 'The event log cannot be written at present.',
};

const REMEDIES: Readonly<Record<StorageProblem, string>> = {
  full: 'Free some space on the server, then send again.',
  locked: 'End that program or its transaction, then send again.',
  read_only: 'Make its file writable, then send again.',
  moved: 'Put it back or restart the server, then send again.',
  disk: 'Check it, then send again.',
  other: 'Send again later.',
};

/** Why the log could not be written, as a sentence. */
export function storageCause(problem: StorageProblem): string {
  return CAUSES[problem];
}

/** The fault `storage_failed` for everyone whose append was not stored. `data.problem` names the problem. */
export function storageFault(problem: StorageProblem): Fault {
  return fault('storage_failed', `${CAUSES[problem]} Nothing was stored. ${REMEDIES[problem]}`, { problem });
}
