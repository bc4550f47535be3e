/**
 * The slow sweep: retention for conversations in which nothing ends any more, the end of old
 * turns' identity, and free pages given back to the file system. Does one slice of a round whenever
 * it is asked, short enough for appends to wait behind. Runs in the write thread; when, the chart knows.
 */
import type { Database } from 'better-sqlite3';
import type { Retain } from './retention.ts';

/** Does a slice; `now` is ISO 8601. False when the round is over; the next call begins another. */
export type Sweep = (now: string) => boolean;

/** What a slice works before it commits; an append that waits behind it is late by that much and a flush. */
const sliceMs = 3;
/** A request id is recognised at least this long, also when its rows are gone. */
const identityMs = 24 * 60 * 60 * 1000;
/** What is done between two looks at the clock. */
const step = { conversations: 16, rows: 128, turns: 64, pages: 32 };
/** Free pages that are kept for the next messages (1 MiB): to give them back and take them again is work for nothing. */
const sparePages = 256;

export function createSweep(db: Database, retain: Retain): Sweep {
  const nextConversations = db.prepare<[number, number], { rowid: number; id: string }>(
    'SELECT rowid, id FROM conversations WHERE rowid > ? ORDER BY rowid LIMIT ?',
  );
  const nextTurns = db.prepare<[number, number], { rowid: number; endedAt: string | null; gone: number }>(`
    SELECT turns.rowid, ended_at AS endedAt, end_seq < oldest_seq AS gone
      FROM turns JOIN conversations ON conversations.id = turns.conversation_id
     WHERE turns.rowid > ? ORDER BY turns.rowid LIMIT ?`);
  const forgetTurn = db.prepare<[number]>('DELETE FROM turns WHERE rowid = ?');
  const freePages = () => Number(db.pragma('freelist_count', { simple: true }));

  /** The last conversation or turn that was looked at in this round. */
  let done = 0;
  let shrunk = false;

  function dropRows(now: string): boolean {
    const some = nextConversations.all(done, step.conversations);
    for (const { rowid, id } of some) {
      // The rest of a long log is for the next step, which begins with the same conversation.
      if (retain(id, now, step.rows)) return true;
      done = rowid;
    }
    return some.length > 0;
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
    shrunk ||= freePages() < free;
    return shrunk;
  }

  /** The file itself becomes shorter when the log is folded into it; a passive fold waits for nobody. */
  function foldLog(): boolean {
    if (shrunk) db.pragma('wal_checkpoint(PASSIVE)');
    shrunk = false;
    return false;
  }

  /** A slice of one stage; true while the stage is not over. */
  const inSlices = (stage: (now: string) => boolean) =>
    db.transaction((now: string): boolean => {
      const untilMs = performance.now() + sliceMs;
      while (stage(now)) if (performance.now() >= untilMs) return true;
      return false;
    });

  const stages = [inSlices(dropRows), inSlices(forgetTurns), inSlices(returnPages), foldLog];
  let current = 0;

  return (now) => {
    if (stages[current]?.(now) === true) return true;
    done = 0;
    current = (current + 1) % stages.length;
    return current !== 0;
  };
}
