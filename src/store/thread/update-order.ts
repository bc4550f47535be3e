/**
 * Numbers the updates of conversations. Lists are ordered by these numbers, because the clock may be set back. Runs in the
 * write thread, which alone writes.
 */
import type { Database } from 'better-sqlite3';

/** Returns a number above all that the file has: `updated_seq`. Numbers of changes that are rolled back are left out. */
export type NextUpdate = () => number;

/** Continues after the highest number in the file. */
export function createUpdateOrder(db: Database): NextUpdate {
  let last = db.prepare<[], number | null>('SELECT MAX(updated_seq) FROM conversations').pluck().get() ?? 0;
  return () => {
    last += 1;
    return last;
  };
}
