/**
 * The slow sweep: what deleted conversations left behind, retention for those in which nothing ends any
 * more, the end of old turns' identity, and free pages given back to the file system. Does one slice of
 * a round whenever it is asked. Runs in the write thread; when, the chart knows.
 */
import type { Database } from 'better-sqlite3';
import type { Deletion } from './deletion.ts';
import type { Retain } from './retention.ts';
import type { Slices } from './slices.ts';

/** Does a slice; `now` is ISO 8601. False when the round is over; the next call begins another. */
export type Sweep = (now: string) => boolean;

/** A request id is recognised at least this long, also when its rows are gone. */
const identityMs = 24 * 60 * 60 * 1000;
/** What is done between two looks at the clock. */
const step = { rows: 64, turns: 64, pages: 32 };
/** Free pages that are kept for the next messages (1 MiB): to give them back and take them again is work for nothing. */
const sparePages = 256;

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

  /** The last conversation or turn that was looked at in this round. */
  let done = 0;

  function dropRows(now: string): boolean {
    const next = nextConversation.get(done);
    if (next === undefined) return false;
    // The rest of a long log is for the next step, which begins with the same conversation.
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
    // Ahead of the round: whoever deleted it may expect it to be gone.
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
