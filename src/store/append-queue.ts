/**
 * The appends that wait for the disk, in order and bounded. Gives rows their ids and times,
 * rings when there is news for the writer's chart, and hands every outcome to its caller.
 * When to commit is the chart's decision, not the queue's.
 */
import { randomUUID } from 'node:crypto';
import type { Fault, LogRow, NewRow } from '../../machines/log.ts';
import { spend } from '../../machines/usage.ts';
import { AppError, fault } from '../errors.ts';
import { encodeRemembered, encodeRow } from './columns.ts';
import type { Append, AppendOutcome } from './port.ts';
import type { PostedAppend, SettledOutcome } from './thread-messages.ts';

/** What an overloaded client is asked to wait: a few batches of the slowest healthy disk. */
const retryAfterMs = 1000;

export interface WaitingAppend {
  readonly posted: PostedAppend;
  readonly settle: (outcome: SettledOutcome) => void;
}

export type Bell = (news: 'rows.waiting' | 'sweep.due' | 'writer.close') => void;

export interface AppendQueue {
  add(append: Append, done: (outcome: AppendOutcome) => void): void;
  /** Who is told that appends wait, once whenever the queue is no longer empty. */
  listen(bell: Bell | null): void;
  /** The oldest appends, up to `maxRows` rows and at least one append. */
  take(maxRows: number): WaitingAppend[];
  /** Taken appends that were not settled, in their order; they go to the front. */
  giveBack(appends: WaitingAppend[]): void;
  refuseAll(refusal: Fault): void;
  /** Appends that wait. */
  size(): number;
  /** There is something to sweep, which need not wait for its time. */
  askToSweep(): void;
  /** Refuses new appends from now on; false when nobody listens who could flush the rest. */
  askToClose(): boolean;
  /** Refuses new appends and those that still wait. */
  shut(): void;
}

export function createAppendQueue(options: {
  /** Read for each append. */
  readonly maxWaiting: number;
  now: () => number;
  report: (error: unknown) => void;
}): AppendQueue {
  const { now, report } = options;
  let waiting: WaitingAppend[] = [];
  let bell: Bell | null = null;
  let open = true;

  /** The one place where a caller's code runs: what it throws is its own fault, not the writer's. */
  function answer(done: (outcome: AppendOutcome) => void, outcome: AppendOutcome): void {
    try {
      done(outcome);
    } catch (error) {
      report(error);
    }
  }

  function refuse(done: (outcome: AppendOutcome) => void, refusal: Fault): void {
    queueMicrotask(() => answer(done, { status: 'failed', fault: refusal }));
  }

  function refuseAll(refusal: Fault): void {
    const refused = waiting;
    waiting = [];
    for (const append of refused) append.settle({ status: 'failed', fault: refusal });
  }

  return {
    add(append, done) {
      if (!open) return refuse(done, fault('shutting_down', 'The server is shutting down; nothing was stored.'));
      if (waiting.length >= options.maxWaiting) {
        return refuse(done, fault('overloaded', 'Too much waits for the disk.', { retry_after_ms: retryAfterMs }));
      }
      const timestamp = new Date(now()).toISOString();
      const rows = append.rows.map((row) => unnumberedRow(append.conversationId, timestamp, row));
      let posted: PostedAppend;
      try {
        posted = post(append, timestamp, rows);
      } catch (cause) {
        report(new AppError('internal', 'A row has content that is no JSON.', { cause }));
        return refuse(done, fault('internal', 'The message could not be written down; nothing was stored.'));
      }
      waiting.push({
        posted,
        settle(outcome) {
          answer(done, typeof outcome === 'number' ? stored(append, rows, outcome) : outcome);
        },
      });
      if (waiting.length === 1) bell?.('rows.waiting');
    },

    listen(listener) {
      bell = listener;
      if (waiting.length > 0) bell?.('rows.waiting');
    },

    take(maxRows) {
      let rows = 0;
      const beyond = waiting.findIndex((append, index) => {
        rows += append.posted.rows.length;
        return index > 0 && rows > maxRows;
      });
      return waiting.splice(0, beyond === -1 ? waiting.length : beyond);
    },

    giveBack(appends) {
      for (const append of appends) append.posted.again = true;
      waiting = [...appends, ...waiting];
    },

    refuseAll,

    size: () => waiting.length,

    askToSweep: () => bell?.('sweep.due'),

    askToClose() {
      open = false;
      bell?.('writer.close');
      return bell !== null;
    },

    shut() {
      open = false;
      refuseAll(fault('shutting_down', 'The server shut down before the message was stored.'));
    },
  };
}

/** The row as the caller will get it back; `seq` follows at the commit. */
function unnumberedRow(conversationId: string, timestamp: string, row: NewRow): LogRow {
  return {
    id: row.id ?? randomUUID(),
    conversation_id: conversationId,
    seq: 0,
    timestamp,
    type: row.type,
    role: row.role,
    content: row.content,
    tool_calls: row.tool_calls,
    tool_call_id: row.tool_call_id,
    model: row.model,
    usage: row.usage,
    extra: row.extra,
    token_count: row.token_count,
    request_id: row.request_id,
  };
}

function post(append: Append, timestamp: string, rows: LogRow[]): PostedAppend {
  const { conversationId, owner, begin, end, waiting, remember } = append;
  return {
    conversationId,
    owner,
    timestamp,
    rows: rows.map(encodeRow),
    begin: begin ?? null,
    end: end === undefined ? null : { requestId: end.requestId, payload: JSON.stringify(end.payload ?? null) },
    waiting: waiting ?? null,
    spent: rows.reduce(spend, { tokens: 0, cost: 0 }),
    remember: remember === undefined ? null : encodeRemembered(remember),
    again: false,
  };
}

function stored(append: Append, rows: LogRow[], firstSeq: number): AppendOutcome {
  for (const [index, row] of rows.entries()) row.seq = firstSeq + index;
  return append.end === undefined ? { status: 'stored', rows } : { status: 'stored', rows, ended: append.end.payload };
}
