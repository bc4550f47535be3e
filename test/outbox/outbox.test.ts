/** Tests delivery to readers that are slow, reconnect, or follow a conversation that fails or is deleted. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppError } from '../../src/errors.ts';
import { answer, end, kinds, message, ref, scene, settle, textIn } from './scene.ts';

describe('a slow reader', () => {
  test('gets `processing` at once, and what it missed later, once', async () => {
    const { outbox, enter, publish } = scene();
    const reader = enter('s1');
    outbox.follow('s1', ref, 'r1', true);
    const draft = outbox.draft(ref, 'r1', 'm1');
    reader.slow = true;
    outbox.broadcast(ref, {
      request_id: 'r1',
      status: 'processing',
      conversation_id: 'c1',
      metadata: { disposition: 'started' },
    });
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

  test('without live text gets the whole message when it has drained', async () => {
    const { outbox, enter, publish } = scene();
    const reader = enter('s1');
    outbox.follow('s1', ref, 'r1', false);
    const draft = outbox.draft(ref, 'r1', 'm1');
    draft.text('The whole ');
    await settle();
    reader.slow = true;
    outbox.broadcast(ref, {
      request_id: 'r1',
      status: 'chunk',
      conversation_id: 'c1',
      chunk: { type: 'notice', kind: 'retrying', data: 'again' },
    });
    draft.text('answer.');
    draft.finish();
    publish(message, answer, end);
    reader.slow = false;
    reader.drained();
    await settle();
    assert.equal(textIn(reader.frames), 'The whole answer.');
    assert.equal(reader.frames.at(-1)?.status, 'complete');
  });

  test('gets a reset for a message that was restarted while the reader was slow', async () => {
    const { outbox, enter } = scene();
    const reader = enter('s1');
    outbox.follow('s1', ref, 'r1', true);
    outbox.draft(ref, 'r1', 'm1').text('abc');
    await settle();
    reader.slow = true;
    outbox.broadcast(ref, {
      request_id: 'r1',
      status: 'chunk',
      conversation_id: 'c1',
      chunk: { type: 'notice', kind: 'retrying', data: 'again' },
    });
    outbox.draft(ref, 'r1', 'm2').text('xyz');
    await settle();
    reader.slow = false;
    reader.drained();
    await settle();
    assert.deepEqual(kinds(reader.frames), ['text', 'reset', 'text']);
    assert.equal(reader.frames.at(-1)?.chunk?.data, 'xyz');
  });

  test('gets the log row by row, as it drains', async () => {
    const { enter, publish, subscribe } = scene();
    publish(message, answer, end);
    const reader = enter('s1');
    reader.swallows = 1;
    subscribe('s1');
    await settle();
    assert.deepEqual(
      reader.frames.map(({ seq }) => seq),
      [1],
    );
    reader.swallows = Infinity;
    reader.drained();
    await settle();
    assert.deepEqual(
      reader.frames.map(({ seq }) => seq),
      [1, 2, 3],
    );
  });

  test('that unsubscribes during a catch-up gets no more rows', async () => {
    const { outbox, enter, publish, subscribe } = scene();
    publish(message, answer, end);
    const reader = enter('s1');
    reader.swallows = 1;
    subscribe('s1');
    await settle();
    outbox.unsubscribe('s1', ref);
    reader.swallows = Infinity;
    reader.drained();
    await settle();
    assert.deepEqual(
      reader.frames.map(({ seq }) => seq),
      [1],
    );
  });
});

test('a reader gets an error when the log cannot be read', async () => {
  const { outbox, enter, faults, breakLog } = scene();
  breakLog(new Error('the disk is gone'));
  const reader = enter('s1');
  outbox.attach('s1', ref, 'r1', { streaming: true, cursor: null });
  await settle();
  assert.equal(reader.frames[0]?.error?.code, 'internal');
  assert.equal(reader.frames[0]?.request_id, 'r1');
  assert.equal(faults.length, 1);
});

test('a reader gets `shutting_down` when the log is closed, and no fault is logged', async () => {
  const { outbox, enter, faults, breakLog } = scene();
  breakLog(new AppError('shutting_down', 'The event log is closed.'));
  const reader = enter('s1');
  outbox.attach('s1', ref, 'r1', { streaming: true, cursor: null });
  await settle();
  assert.equal(reader.frames[0]?.error?.code, 'shutting_down');
  assert.deepEqual(faults, []);
});

test('a subscriber gets `deleted` when the conversation is deleted right after the subscription', async () => {
  const { enter, publish, subscribe, deleteLog } = scene();
  publish(message, answer, end);
  const reader = enter('s1');
  deleteLog();
  subscribe('s1');
  await settle();
  assert.deepEqual(kinds(reader.frames), ['deleted']);
});

test('a cursor beyond the log starts from the beginning', async () => {
  const { outbox, enter, publish } = scene();
  publish(message, answer, end);
  const reader = enter('s1');
  outbox.attach('s1', ref, 'r1', { streaming: true, cursor: { after_seq: 99 } });
  await settle();
  assert.deepEqual(kinds(reader.frames), ['processing', 'text', 'complete']);
});

test('a subscriber of a conversation that fails gets a reset of the unfinished message, and no more text', async () => {
  const { outbox, enter, subscribe } = scene();
  const reader = enter('s1');
  subscribe('s1');
  await settle();
  const draft = outbox.draft(ref, 'r1', 'm1');
  draft.text('abc');
  await settle();
  outbox.fail(ref, (requestId) => ({
    request_id: requestId,
    status: 'error',
    conversation_id: 'c1',
    error: { code: 'conversation_failed', message: '', retryable: true, data: {} },
  }));
  draft.text('def');
  await settle();
  assert.deepEqual(kinds(reader.frames), ['text', 'reset', 'error']);
});
