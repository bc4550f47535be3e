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

export interface QueuedAppend {
  readonly posted: PostedAppend;
  readonly settle: (outcome: SettledOutcome) => void;
}

export type QueueListener = (news: 'rows.queued' | 'sweep.due' | 'writer.close') => void;

export interface AppendQueue {
  add(append: Append, done: (outcome: AppendOutcome) => void): void;
  /** Who is told that appends wait, once whenever the queue is no longer empty. */
  listen(bell: QueueListener | null): void;
  /** The oldest appends, up to `maxRows` rows and at least one append. */
  take(maxRows: number): QueuedAppend[];
  /** Taken appends that were not settled, in their order; they go to the front. */
  requeue(appends: QueuedAppend[]): void;
  rejectAll(refusal: Fault): void;
  /** Appends that wait. */
  size(): number;
  /** There is something to sweep, which need not wait for its time. */
  requestSweep(): void;
  /** Refuses new appends from now on; false when nobody listens who could flush the rest. */
  requestClose(): boolean;
  /** Refuses new appends and those that still wait. */
  close(): void;
}

export function createAppendQueue(options: {
  /** Read for each append. */
  readonly maxQueued: number;
  now: () => number;
  report: (error: unknown) => void;
}): AppendQueue {
  const { now, report } = options;
  let waiting: QueuedAppend[] = [];
  let bell: QueueListener | null = null;
  let open = true;

  /** The one place where a caller's code runs: what it throws is its own fault, not the writer's. */
  function reply(done: (outcome: AppendOutcome) => void, outcome: AppendOutcome): void {
    try {
      done(outcome);
    } catch (error) {
      report(error);
    }
  }

  function reject(done: (outcome: AppendOutcome) => void, refusal: Fault): void {
    queueMicrotask(() => reply(done, { status: 'failed', fault: refusal }));
  }

  function rejectAll(refusal: Fault): void {
    const refused = waiting;
    waiting = [];
    for (const append of refused) append.settle({ status: 'failed', fault: refusal });
  }

  return {
    add(append, done) {
      if (!open) return reject(done, fault('shutting_down', 'The server is shutting down; nothing was stored.'));
      if (waiting.length >= options.maxQueued) {
        return reject(done, fault('overloaded', 'Too much waits for the disk.', { retry_after_ms: retryAfterMs }));
      }
      const timestamp = new Date(now()).toISOString();
      const rows = append.rows.map((row) => withoutSeq(append.conversationId, timestamp, row));
      let posted: PostedAppend;
      try {
        posted = post(append, timestamp, rows);
      } catch (cause) {
        report(new AppError('internal', 'A row has content that is no JSON.', { cause }));
        return reject(done, fault('internal', 'The message could not be written down; nothing was stored.'));
      }
      waiting.push({
        posted,
        settle(outcome) {
          reply(done, typeof outcome === 'number' ? stored(append, rows, outcome) : outcome);
        },
      });
      if (waiting.length === 1) bell?.('rows.queued');
    },

    listen(listener) {
      bell = listener;
      if (waiting.length > 0) bell?.('rows.queued');
    },

    take(maxRows) {
      let rows = 0;
      const beyond = waiting.findIndex((append, index) => {
        rows += append.posted.rows.length;
        return index > 0 && rows > maxRows;
      });
      return waiting.splice(0, beyond === -1 ? waiting.length : beyond);
    },

    requeue(appends) {
      for (const append of appends) append.posted.isRetry = true;
      waiting = [...appends, ...waiting];
    },

    rejectAll: rejectAll,

    size: () => waiting.length,

    requestSweep: () => bell?.('sweep.due'),

    requestClose() {
      open = false;
      bell?.('writer.close');
      return bell !== null;
    },

    close() {
      open = false;
      rejectAll(fault('shutting_down', 'The server shut down before the message was stored.'));
    },
  };
}

/** The row as the caller will get it back; `seq` follows at the commit. */
function withoutSeq(conversationId: string, timestamp: string, row: NewRow): LogRow {
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
    isRetry: false,
  };
}

function stored(append: Append, rows: LogRow[], firstSeq: number): AppendOutcome {
  for (const [index, row] of rows.entries()) row.seq = firstSeq + index;
  return append.end === undefined ? { status: 'stored', rows } : { status: 'stored', rows, ended: append.end.payload };
}
