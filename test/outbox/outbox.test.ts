/** Delivery to readers that cannot keep up, come back, or follow a conversation that fails. Sessions are plain objects here: how slow a reader is must be ours to say. */
import assert from 'node:assert/strict';
import { setImmediate as tick } from 'node:timers/promises';
import { describe, test } from 'node:test';
import type { LogRow, NewRow } from '../../machines/log.ts';
import { createOutbox } from '../../src/outbox/outbox.ts';
import type { Received } from '../support/client.ts';
import { createFrameCheck } from '../support/frame-check.ts';

const ref = { owner: 'ann', conversationId: 'c1' };
const blank = { content: null, tool_calls: null, tool_call_id: null, model: null, usage: null, extra: {}, token_count: 1 };
const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const complete = { status: 'complete', metadata: { tokens: 2, usage, model: 'm', finish_reason: 'stop', tool_hops: 0 } };

function row(seq: number, row: Pick<NewRow, 'type' | 'role'> & Partial<NewRow>): LogRow {
  return { ...blank, id: `row${seq}`, conversation_id: 'c1', seq, timestamp: '2026-11-22T12:00:00.000Z', request_id: 'r1', ...row };
}

const message = row(1, { type: 'user_message', role: 'user', content: 'Hi' });
const answer = row(2, { type: 'assistant_message', role: 'assistant', content: 'The whole answer.', id: 'm1' });
const end = row(3, { type: 'meta', role: null, extra: { kind: 'turn_end', ...complete } });

/** An outbox over a log in memory, and readers that are as slow as they are told to be. */
function scene({ broken = false } = {}) {
  const log: LogRow[] = [];
  const faults: unknown[] = [];
  const read = async () => {
    if (broken) throw new Error('the disk is gone');
    return log;
  };
  const outbox = createOutbox({
    flushMs: 0,
    onError: (error) => void faults.push(error),
    reader: {
      turn: async () => ({ rows: await read(), end: log.includes(end) ? complete : null }),
      page: async (_owner, _id, { afterSeq }) => ({ rows: (await read()).filter(({ seq }) => seq > afterSeq), headSeq: log.length }),
    },
  });
  const enter = (id: string) => {
    const frames: Received[] = [];
    const reader = { slow: false, drained: (): void => undefined, frames };
    const check = createFrameCheck();
    const send = (frame: string) => {
      frames.push(JSON.parse(frame));
      check.heard(frame);
    };
    outbox.open({ id, send, isSlow: () => reader.slow, whenDrained: (callback) => void (reader.drained = callback) });
    return reader;
  };
  const publish = (...rows: LogRow[]) => {
    log.push(...rows);
    outbox.publish(ref, rows);
  };
  return { outbox, enter, publish, faults };
}

const kinds = (frames: readonly Received[]) => frames.map((frame) => frame.chunk?.type ?? frame.status);
const textIn = (frames: readonly Received[]) => frames.flatMap((frame) => (frame.chunk?.type === 'text' ? [frame.chunk.data] : [])).join('');

async function settle() {
  for (let i = 0; i < 5; i += 1) await tick();
}

describe('a slow reader', () => {
  test('gets `processing` all the same, and later what it missed, once', async () => {
    const { outbox, enter, publish } = scene();
    const reader = enter('s1');
    outbox.follow('s1', ref, 'r1', true);
    const draft = outbox.draft(ref, 'r1', 'm1');
    reader.slow = true;
    outbox.tell(ref, { request_id: 'r1', status: 'processing', conversation_id: 'c1', metadata: { disposition: 'started' } });
    draft.text('The whole ');
    await settle();
    assert.deepEqual(kinds(reader.frames), ['processing']);
    draft.text('answer.');
    draft.finish();
    publish(message, answer, end);
    reader.slow = false;
    reader.drained();
    await settle();
    assert.deepEqual(kinds(reader.frames), ['processing', 'text', 'complete']);
    assert.equal(textIn(reader.frames), 'The whole answer.');
  });

  test('that wants no live text gets the whole message when it has drained', async () => {
    const { outbox, enter, publish } = scene();
    const reader = enter('s1');
    outbox.follow('s1', ref, 'r1', false);
    const draft = outbox.draft(ref, 'r1', 'm1');
    draft.text('The whole ');
    await settle();
    reader.slow = true;
    outbox.tell(ref, { request_id: 'r1', status: 'chunk', conversation_id: 'c1', chunk: { type: 'notice', kind: 'retrying', data: 'again' } });
    draft.text('answer.');
    draft.finish();
    publish(message, answer, end);
    reader.slow = false;
    reader.drained();
    await settle();
    assert.equal(textIn(reader.frames), 'The whole answer.');
    assert.equal(reader.frames.at(-1)?.status, 'complete');
  });

  test('is told to forget a message that was begun anew while it was away', async () => {
    const { outbox, enter } = scene();
    const reader = enter('s1');
    outbox.follow('s1', ref, 'r1', true);
    outbox.draft(ref, 'r1', 'm1').text('abc');
    await settle();
    reader.slow = true;
    outbox.tell(ref, { request_id: 'r1', status: 'chunk', conversation_id: 'c1', chunk: { type: 'notice', kind: 'retrying', data: 'again' } });
    outbox.draft(ref, 'r1', 'm2').text('xyz');
    await settle();
    reader.slow = false;
    reader.drained();
    await settle();
    assert.deepEqual(kinds(reader.frames), ['text', 'reset', 'text']);
    assert.equal(reader.frames.at(-1)?.chunk?.data, 'xyz');
  });
});

test('a log that cannot be read is told to who asked for it', async () => {
  const { outbox, enter, faults } = scene({ broken: true });
  const reader = enter('s1');
  outbox.attach('s1', ref, 'r1', { streaming: true, cursor: null });
  await settle();
  assert.equal(reader.frames[0]?.error?.code, 'internal');
  assert.equal(reader.frames[0]?.request_id, 'r1');
  assert.equal(faults.length, 1);
});

test('a cursor beyond the log begins again', async () => {
  const { outbox, enter, publish } = scene();
  publish(message, answer, end);
  const reader = enter('s1');
  outbox.attach('s1', ref, 'r1', { streaming: true, cursor: { after_seq: 99 } });
  await settle();
  assert.deepEqual(kinds(reader.frames), ['processing', 'text', 'complete']);
});

test('a subscriber of a conversation that fails is told to forget the unfinished message, and hears no more of it', async () => {
  const { outbox, enter } = scene();
  const reader = enter('s1');
  outbox.subscribe('s1', ref, { cursor: { after_seq: 0 }, wantsState: false, state: { value: 'idle', hop: 0, can: [] } });
  await settle();
  const draft = outbox.draft(ref, 'r1', 'm1');
  draft.text('abc');
  await settle();
  outbox.fail(ref, (requestId) => ({ request_id: requestId, status: 'error', conversation_id: 'c1', error: { code: 'conversation_failed', message: '', retryable: true, data: {} } }));
  draft.text('def');
  await settle();
  assert.deepEqual(kinds(reader.frames), ['text', 'reset', 'error']);
});
