/**
 * Cuts long work of the write thread into slices: transactions short enough for an append to wait for. Checkpoints what
 * they wrote step by step. Does not know the work itself.
 */
import type { Database } from 'better-sqlite3';

/** The slices of one connection. */
export interface Slices {
  /**
   * Runs steps in one transaction until a step returns false or the time is up. True if more is to do, also if this slice
   * only made a checkpoint.
   */
  run(step: () => boolean): boolean;
  /** Moves what was written since the last checkpoint into the file. False if that is nothing. */
  checkpoint(): boolean;
}

/** Longest work of a slice before it commits. It delays an append by that much and a flush. */
const sliceMs = 3;
/**
 * Slices between two checkpoints, which are slices of their own. One checkpoint of a grown write-ahead log delayed the
 * writer by 30 to 50 ms; these delay it by 13 ms.
 */
const slicesPerCheckpoint = 4;

/** Creates the runner of long work in short transactions, so that appends can commit between two. */
export function createSlices(db: Database): Slices {
  const rowsChanged = db.prepare<[], number>('SELECT total_changes()').pluck();
  const freePages = () => Number(db.pragma('freelist_count', { simple: true }));
  /** Slices that wrote since the last checkpoint. */
  let writtenSlices = 0;

  const inTransaction = db.transaction((step: () => boolean): boolean => {
    const untilMs = performance.now() + sliceMs;
    while (step()) if (performance.now() >= untilMs) return true;
    return false;
  });

  /** A passive checkpoint does not wait for readers. Only now does the file shrink. */
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
