/**
 * The event log in memory: gives every row its seq, every turn its one begin and its one end, as the
 * store does, and hands out any past of itself, as a crash would leave it.
 */
import type { CommitOutcome, ConversationEmitted } from '../../machines/conversation/events.ts';
import type { RecoveredState } from '../../machines/conversation/turn-state.ts';
import { foldRow, type TurnRows } from '../../machines/context-window/past-turns.ts';
import type { LogRow } from '../../machines/log.ts';
import { foldLog } from '../../machines/conversation/rows/recovery-state.ts';
import { spend } from '../../machines/usage.ts';

export type AppendIntent = Extract<ConversationEmitted, { type: 'append' }>;

/** What a conversation wants of its log. */
export type Intent = Extract<ConversationEmitted, { type: 'append' | 'remove' }>;

export interface MemoryLog {
  /** Throws where the store would: at the end of a turn that is not open. */
  append(intent: AppendIntent): CommitOutcome;
  /** Forgets everything. */
  remove(): void;
  rows(): LogRow[];
  rowsOf(requestId: string): LogRow[];
  turns(): TurnRows[];
  /** Where it leaves its conversation, so long after its last row. */
  standing(ageMs?: number): RecoveredState;
  /** Every append that was stored, in order. */
  stored(): readonly AppendIntent[];
  /** The log as it was after its first `count` stored appends. */
  past(count: number): MemoryLog;
}

/** When every row was committed: the age of a log is what a test says. */
const committedAt = '2026-01-01T00:00:00.000Z';

export function createMemoryLog(): MemoryLog {
  const rows: LogRow[] = [];
  const stored: AppendIntent[] = [];
  const begun = new Map<string, { digest: string; ended: boolean }>();

  const append = (intent: AppendIntent): CommitOutcome => {
    const { begin, end } = intent;
    const known = begin && begun.get(begin.requestId);
    if (known)
      return known.digest === begin.digest ? { status: 'duplicate', ended: known.ended } : { status: 'reused' };
    if (begin) begun.set(begin.requestId, { digest: begin.digest, ended: false });
    if (end) {
      const turn = begun.get(end.requestId);
      if (!turn || turn.ended) throw new Error(`turn ${end.requestId} is not open`);
      turn.ended = true;
    }
    const first = rows.length + 1;
    for (const row of intent.rows) {
      const seq = rows.length + 1;
      rows.push({ id: `row-${seq}`, ...row, conversation_id: 'c1', seq, timestamp: committedAt });
    }
    stored.push(intent);
    return { status: 'stored', seq: first };
  };

  return {
    append,
    remove() {
      rows.length = 0;
      stored.length = 0;
      begun.clear();
    },
    rows: () => rows,
    rowsOf: (requestId) => rows.filter((row) => row.request_id === requestId),
    turns() {
      const turns: TurnRows[] = [];
      for (const row of rows) foldRow(turns, row);
      return turns;
    },
    standing: (ageMs = 0) => ({
      ...foldLog(
        rows,
        [...begun].filter(([, turn]) => !turn.ended).map(([requestId]) => requestId),
        Date.parse(committedAt) + ageMs,
      ),
      remembered: stored.flatMap(({ remember }) => (remember ? [remember] : [])),
      spent: rows.reduce(spend, { tokens: 0, cost: 0 }),
    }),
    stored: () => stored,
    past(count) {
      const log = createMemoryLog();
      for (const intent of stored.slice(0, count)) log.append(intent);
      return log;
    },
  };
}
