/** Delivery to readers that cannot keep up, come back, or follow a conversation that fails or goes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppError } from '../../src/errors.ts';
import { answer, end, kinds, message, ref, scene, settle, textIn } from './scene.ts';

describe('a slow reader', () => {
  test('gets `processing` all the same, and later what it missed, once', async () => {
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

  test('that wants no live text gets the whole message when it has drained', async () => {
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

  test('is told to forget a message that was begun anew while it was away', async () => {
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

  test('is brought the log row by row, as it drains', async () => {
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

  test('that leaves while it is brought the log is brought no more', async () => {
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

test('a log that cannot be read is told to who asked for it', async () => {
  const { outbox, enter, faults, breakLog } = scene();
  breakLog(new Error('the disk is gone'));
  const reader = enter('s1');
  outbox.attach('s1', ref, 'r1', { streaming: true, cursor: null });
  await settle();
  assert.equal(reader.frames[0]?.error?.code, 'internal');
  assert.equal(reader.frames[0]?.request_id, 'r1');
  assert.equal(faults.length, 1);
});

test('a log that is closed, because the server ends, is told as that, and is no fault', async () => {
  const { outbox, enter, faults, breakLog } = scene();
  breakLog(new AppError('shutting_down', 'The event log is closed.'));
  const reader = enter('s1');
  outbox.attach('s1', ref, 'r1', { streaming: true, cursor: null });
  await settle();
  assert.equal(reader.frames[0]?.error?.code, 'shutting_down');
  assert.deepEqual(faults, []);
});

test('a conversation that is deleted right after a subscriber was let in is told to be gone', async () => {
  const { enter, publish, subscribe, deleteLog } = scene();
  publish(message, answer, end);
  const reader = enter('s1');
  deleteLog();
  subscribe('s1');
  await settle();
  assert.deepEqual(kinds(reader.frames), ['deleted']);
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
