/**
 * Sweeps the database: deletes rows of deleted conversations, applies retention to idle conversations, deletes old turns
 * whose rows are gone, and returns free pages to the file system. Does one slice of a round per call. Runs in the write
 * thread, when the chart asks.
 */
import type { Database } from 'better-sqlite3';
import type { Deletion } from './deletion.ts';
import type { Retain } from './retention.ts';
import type { Slices } from './slices.ts';

/** Does a slice. `now` is ISO 8601. False when the round is over; the next call begins another round. */
export type Sweep = (now: string) => boolean;

/** A request id is recognized at least this long, also if its rows are gone. */
const identityMs = 24 * 60 * 60 * 1000;
/** Work between two checks of the time. */
const step = { rows: 64, turns: 64, pages: 32 };
/** Free pages that are kept for the next messages (1 MiB). */
const sparePages = 256;

/** Prepares the sweep over all conversations: retention, deletion, forgotten request ids. */
export function createSweep(
  db: Database,
  { slices, deletion, retain }: { slices: Slices; deletion: Deletion; retain: Retain },
): Sweep {
  const nextConversation = db.prepare<[number], { rowid: number; id: string }>(
    'SELECT rowid, id FROM conversations WHERE rowid > ? ORDER BY rowid LIMIT 1',
  );
  const nextTurns = db.prepare<[number, number], { rowid: number; endedAt: string | null; gone: number }>(`
    SELECT turns.rowid, ended_at AS endedAt, end_seq < oldest_seq AS gone
      FROM turns JOIN conversations ON conversations.id = turns.conversation_id
     WHERE turns.rowid > ? ORDER BY turns.rowid LIMIT ?`);
  const forgetTurn = db.prepare<[number]>('DELETE FROM turns WHERE rowid = ?');
  const freePages = () => Number(db.pragma('freelist_count', { simple: true }));

  /** The rowid of the last conversation or turn of this round. */
  let done = 0;

  function dropRows(now: string): boolean {
    const next = nextConversation.get(done);
    if (next === undefined) return false;
    // The next step continues with the same conversation if its log is long.
    if (!retain(next.id, now, step.rows)) done = next.rowid;
    return true;
  }

  function forgetTurns(now: string): boolean {
    const horizon = new Date(Date.parse(now) - identityMs).toISOString();
    const some = nextTurns.all(done, step.turns);
    for (const { rowid, endedAt, gone } of some) {
      if (gone === 1 && endedAt !== null && endedAt < horizon) forgetTurn.run(rowid);
      done = rowid;
    }
    return some.length > 0;
  }

  function returnPages(): boolean {
    const free = freePages();
    if (free <= sparePages) return false;
    db.pragma(`incremental_vacuum(${Math.min(step.pages, free - sparePages)})`);
    // A database in memory keeps its pages.
    return freePages() < free;
  }

  const stages = [dropRows, forgetTurns, returnPages];
  let current = 0;

  return (now) => {
    // Before the round: clients expect that a deleted conversation is gone.
    if (deletion.isPending()) {
      slices.run(deletion.takeSome);
      return true;
    }
    const stage = stages[current];
    if (stage === undefined) {
      if (slices.checkpoint()) return true;
      current = 0;
      return false;
    }
    if (!slices.run(() => stage(now))) {
      current += 1;
      done = 0;
    }
    return true;
  };
}
