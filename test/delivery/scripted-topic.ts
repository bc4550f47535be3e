/**
 * Builds an delivery over a log in memory, with one turn in that log, and readers whose speed the test sets. Rows may be
 * in the log before they are published, and the test can hold reads.
 */
import { setImmediate as tick } from 'node:timers/promises';
import type { LogRow, NewRow } from '../../machines/log.ts';
import { createDelivery } from '../../src/delivery/delivery.ts';
import type { FrameText } from '../../src/protocol/raw-json.ts';
import { createReadPermits } from '../../src/scheduling/read-permits.ts';
import type { Received } from '../support/client.ts';
import { createFrameCheck } from '../support/frame-check.ts';

export const ref = { owner: 'ann', conversationId: 'c1' };
const blank = {
  content: null,
  tool_calls: null,
  tool_call_id: null,
  model: null,
  usage: null,
  extra: {},
  token_count: 1,
};
const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const complete = {
  status: 'complete',
  metadata: { tokens: 2, usage, model: 'm', finish_reason: 'stop', tool_hops: 0 },
};

function row(seq: number, row: Pick<NewRow, 'type' | 'role'> & Partial<NewRow>): LogRow {
  return {
    ...blank,
    id: `row${seq}`,
    conversation_id: 'c1',
    seq,
    timestamp: '2026-11-22T12:00:00.000Z',
    request_id: 'r1',
    ...row,
  };
}

export const message = row(1, { type: 'user_message', role: 'user', content: 'Hi' });
export const answer = row(2, { type: 'assistant_message', role: 'assistant', content: 'The whole answer.', id: 'm1' });
export const endAt = (seq: number) => row(seq, { type: 'meta', role: null, extra: { kind: 'turn_end', ...complete } });
export const end = endAt(3);

/** `perSubject`: reads at a time. `stallMs`: after this time without a drain a reader is closed, if other reads wait. */
export function scene({ perSubject = 4, stallMs = 60_000 } = {}) {
  const log: LogRow[] = [];
  const faults: unknown[] = [];
  let failure: Error | null = null;
  let isThere = true;
  let gate = Promise.resolve();
  const read = async () => {
    await gate;
    if (failure) throw failure;
    return log;
  };
  const delivery = createDelivery({
    onRefused: () => undefined,
    flushMs: 0,
    reads: createReadPermits({
      maxReadsPerSocket: 1,
      maxReadsPerSubject: perSubject,
      maxWaitingReads: 1000,
      stallMs,
    }),
    onError: (error) => void faults.push(error),
    reader: {
      async turn(_owner, _id, _request, { afterSeq = 0, seen = null } = {}) {
        const rows = [...(await read())];
        const endRow = rows.find(({ extra }) => extra['kind'] === 'turn_end');
        return {
          digest: '',
          rows: rows.filter(({ seq }) => seq > afterSeq),
          more: false,
          beginSeq: rows.find(({ type }) => type === 'user_message')?.seq ?? null,
          endSeq: endRow?.seq ?? null,
          seenSeq: rows.find(({ id }) => id === seen)?.seq ?? null,
          end: endRow ? complete : null,
        };
      },
      async events(_owner, _id, { afterSeq = 0 }) {
        const rows = [...(await read())];
        return isThere
          ? {
              rows: rows.filter(({ seq }) => seq > afterSeq),
              headSeq: rows.at(-1)?.seq ?? 0,
              oldestSeq: rows[0]?.seq ?? 1,
            }
          : null;
      },
    },
  });
  const enter = (id: string) => {
    const frames: Received[] = [];
    /** `swallows`: number of frames after which it is slow. */
    const reader = { slow: false, swallows: Infinity, sentBack: 0, drained: (): void => undefined, frames };
    const check = createFrameCheck();
    const send = (frame: FrameText) => {
      const text = typeof frame === 'string' ? frame : frame.join('');
      frames.push(JSON.parse(text));
      check.check(text);
    };
    delivery.open({
      id,
      send,
      isSlow: () => reader.slow || frames.length >= reader.swallows,
      unsentBytes: () => 0,
      closeStalled() {
        reader.sentBack += 1;
        Object.assign(reader, { slow: false, swallows: Infinity });
        delivery.close(id);
        reader.drained();
      },
      whenDrained: (callback) => void (reader.drained = callback),
      closeForReconnect: () => void (reader.sentBack += 1),
    });
    return reader;
  };
  return {
    delivery,
    enter,
    faults,
    /** Adds rows to the log without publishing them. */
    commit: (...rows: LogRow[]) => void log.push(...rows),
    /** Drops the oldest rows, as retention does. */
    drop: (count: number) => void log.splice(0, count),
    publish(...rows: LogRow[]) {
      log.push(...rows.filter((each) => !log.includes(each)));
      delivery.publish(ref, rows);
    },
    subscribe: (id: string, cursor: { after_seq: number; message_id?: string; offset?: number } = { after_seq: 0 }) =>
      delivery.subscribe(id, ref, { cursor, wantsState: false, state: { value: 'idle', hop: 0, can: [] } }),
    /** Holds reads that begin from now on until the returned function is called. */
    holdReads(): () => void {
      const held = Promise.withResolvers<void>();
      gate = held.promise;
      return held.resolve;
    },
    breakLog: (error: Error) => void (failure = error),
    deleteLog: () => void (isThere = false),
  };
}

export const kinds = (frames: readonly Received[]) => frames.map((frame) => frame.chunk?.type ?? frame.status);
export const textIn = (frames: readonly Received[]) =>
  frames.flatMap((frame) => (frame.chunk?.type === 'text' ? [frame.chunk.data] : [])).join('');

/** Waits until everything that needs no drain has been sent. */
export async function settle() {
  for (let i = 0; i < 5; i += 1) await tick();
}
