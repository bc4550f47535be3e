/**
 * Queues appends for the disk, in order and bounded. Gives rows their ids and times, notifies the writer's chart, and
 * passes each outcome to its caller. The chart decides when to commit.
 */
import { randomUUID } from 'node:crypto';
import type { Fault, LogRow, NewRow } from '../../machines/log.ts';
import { spend } from '../../machines/usage.ts';
import { AppError, fault } from '../errors.ts';
import { encodeRemembered, encodeRow } from './columns.ts';
import type { Append, AppendOutcome } from './port.ts';
import type { PostedAppend, SettledOutcome } from './thread-messages.ts';

/** Retry delay for an overloaded client: a few batches of the slowest healthy disk. */
const retryAfterMs = 1000;

/** An append as it is posted, with its caller. */
export interface QueuedAppend {
  readonly posted: PostedAppend;
  readonly settle: (outcome: SettledOutcome) => void;
}

/** Gets the events for the writer's chart. */
export type QueueListener = (event: 'rows.queued' | 'sweep.due' | 'writer.close') => void;

/** The queue of one store. */
export interface AppendQueue {
  add(append: Append, done: (outcome: AppendOutcome) => void): void;
  /** Sets the listener. It gets `rows.queued` once, each time the queue is no longer empty. */
  listen(bell: QueueListener | null): void;
  /** Removes the oldest appends, up to `maxRows` rows and at least one append. */
  take(maxRows: number): QueuedAppend[];
  /** Returns taken appends that were not settled to the front of the queue, in their order. */
  requeue(appends: QueuedAppend[]): void;
  rejectAll(refusal: Fault): void;
  /** The number of queued appends. */
  size(): number;
  /** Asks the writer for a slice of the sweep before the next one is due. */
  requestSweep(): void;
  /** Rejects new appends from now on. False if no listener can flush the queued ones. */
  requestClose(): boolean;
  /** Rejects new and queued appends. */
  close(): void;
}

/** Creates the queue of rows that wait for the write thread. It rejects appends beyond `maxQueued`. */
export function createAppendQueue(options: {
  /** Read for each append. */
  readonly maxQueued: number;
  now: () => number;
  report: (error: unknown) => void;
}): AppendQueue {
  const { now, report } = options;
  let queued: QueuedAppend[] = [];
  let notify: QueueListener | null = null;
  let open = true;

  /** The only place where a caller's code runs. Its errors are reported and do not reach the writer. */
  function reply(done: (outcome: AppendOutcome) => void, outcome: AppendOutcome): void {
    try {
      done(outcome);
    } catch (error) {
      report(error);
    }
  }

  function reject(done: (outcome: AppendOutcome) => void, reason: Fault): void {
    queueMicrotask(() => reply(done, { status: 'failed', fault: reason }));
  }

  function rejectAll(reason: Fault): void {
    const rejected = queued;
    queued = [];
    for (const append of rejected) append.settle({ status: 'failed', fault: reason });
  }

  return {
    add(append, done) {
      if (!open)
        return reject(
          done,
          fault(
            'shutting_down',
            'The server is shutting down. Nothing was stored. Send the same request again after the restart.',
          ),
        );
      if (queued.length >= options.maxQueued) {
        return reject(
          done,
          fault('overloaded', 'The write queue is full. Send the same request again later.', {
            retry_after_ms: retryAfterMs,
          }),
        );
      }
      const timestamp = new Date(now()).toISOString();
      const rows = append.rows.map((row) => withoutSeq(append.conversationId, timestamp, row));
      let posted: PostedAppend;
      try {
        posted = post(append, timestamp, rows);
      } catch (cause) {
        report(new AppError('internal', 'The content of a row is not valid JSON.', { cause }));
        return reject(done, fault('internal', 'The message could not be stored. Nothing was written. Send it again.'));
      }
      queued.push({
        posted,
        settle(outcome) {
          reply(done, typeof outcome === 'number' ? stored(append, rows, outcome) : outcome);
        },
      });
      if (queued.length === 1) notify?.('rows.queued');
    },

    listen(listener) {
      notify = listener;
      if (queued.length > 0) notify?.('rows.queued');
    },

    take(maxRows) {
      let rows = 0;
      const beyond = queued.findIndex((append, index) => {
        rows += append.posted.rows.length;
        return index > 0 && rows > maxRows;
      });
      return queued.splice(0, beyond === -1 ? queued.length : beyond);
    },

    requeue(appends) {
      for (const append of appends) append.posted.isRetry = true;
      queued = [...appends, ...queued];
    },

    rejectAll: rejectAll,

    size: () => queued.length,

    requestSweep: () => notify?.('sweep.due'),

    requestClose() {
      open = false;
      notify?.('writer.close');
      return notify !== null;
    },

    close() {
      open = false;
      rejectAll(
        fault('shutting_down', 'The server shut down before the message was stored. Send it again after the restart.'),
      );
    },
  };
}

/** The row as the caller gets it back, before the commit sets its `seq`. */
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
