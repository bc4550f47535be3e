/**
 * Long work of the write thread, cut into slices: transactions short enough for an append to wait
 * behind. What they wrote is folded into the file little by little. Knows nothing of the work itself.
 */
import type { Database } from 'better-sqlite3';

export interface Slices {
  /**
   * Works step by step, in one transaction, until a step returns false or the time is up. True when there
   * is more to do: also where this slice only folded what others wrote.
   */
  run(step: () => boolean): boolean;
  /** Folds what was written since the last fold; false when that is nothing. */
  checkpoint(): boolean;
}

/** What a slice works before it commits; an append that waits behind it is late by that much and a flush. */
const sliceMs = 3;
/**
 * Slices after which what they wrote is folded into the file, as a slice of its own. Left to grow, the
 * write-ahead log is folded at once, and that held the writer for 30 to 50 ms now and then; so, for 13.
 */
const slicesPerCheckpoint = 4;

export function createSlices(db: Database): Slices {
  const rowsChanged = db.prepare<[], number>('SELECT total_changes()').pluck();
  const freePages = () => Number(db.pragma('freelist_count', { simple: true }));
  /** Slices that wrote since the last fold. */
  let writtenSlices = 0;

  const inTransaction = db.transaction((step: () => boolean): boolean => {
    const untilMs = performance.now() + sliceMs;
    while (step()) if (performance.now() >= untilMs) return true;
    return false;
  });

  /** Passive: it waits for nobody who reads. Only now does the file become shorter. */
  function checkpoint(): boolean {
    if (writtenSlices === 0) return false;
    db.pragma('wal_checkpoint(PASSIVE)');
    writtenSlices = 0;
    return true;
  }

  return {
    run(step) {
      if (writtenSlices >= slicesPerCheckpoint) return checkpoint();
      const changed = rowsChanged.get();
      const free = freePages();
      const more = inTransaction(step);
      if (rowsChanged.get() !== changed || freePages() !== free) writtenSlices += 1;
      return more;
    },
    checkpoint: checkpoint,
  };
}
