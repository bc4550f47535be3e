/** Tests the read buffer: order, merging, limit, end and errors. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReadBuffer, mergeChunks } from '../../src/client/read-buffer.ts';
import type { Chunk } from '../../src/protocol/chunks.ts';
import { readAll, withCode } from '../support/typed-client.ts';

const never = () => null;
const text = (messageId: string, offset: number, data: string): Chunk => ({
  type: 'text',
  message_id: messageId,
  offset,
  data,
});
const progress = (progress: number): Chunk => ({ type: 'tool_progress', call_id: 'k1', progress, data: '' });

test('a fast reader gets each item as it arrives', async () => {
  const backlog = createReadBuffer<number>({ merge: (earlier, later) => earlier + later });
  const reading = readAll(backlog.reader);
  for (const item of [1, 2, 3]) {
    backlog.push(item);
    await Promise.resolve();
    await new Promise(setImmediate);
  }
  backlog.end();
  assert.deepEqual(await reading, [1, 2, 3]);
});

test('waiting items are merged: text by message and kind, progress by call', async () => {
  const backlog = createReadBuffer<Chunk>({ merge: mergeChunks });
  const thought: Chunk = { type: 'reasoning', message_id: 'm1', offset: 0, data: 'hm' };
  for (const chunk of [thought, text('m1', 0, 'a'), progress(1), text('m1', 1, 'b'), progress(2), text('m2', 0, 'c')])
    backlog.push(chunk);
  backlog.end();
  assert.deepEqual(await readAll(backlog.reader), [thought, text('m1', 0, 'ab'), progress(2), text('m2', 0, 'c')]);
});

test('an unread stream of a million deltas is merged into one item', async () => {
  const backlog = createReadBuffer<Chunk>({ merge: mergeChunks });
  for (let offset = 0; offset < 1_000_000; offset += 1) backlog.push(text('m1', offset, 'x'));
  backlog.end();
  const chunks = await readAll(backlog.reader);
  assert.deepEqual([chunks.length, chunks[0]?.data.length], [1, 1_000_000]);
});

test('a slow reader gets the waiting items, then the error', async () => {
  let left = 0;
  const backlog = createReadBuffer<number>({ merge: never, onLeft: () => (left += 1) });
  for (let item = 0; item < 20_000; item += 1) backlog.push(item);
  let read = 0;
  await assert.rejects(async () => {
    for await (const _ of backlog.reader) read += 1;
  }, withCode('reader_too_slow'));
  assert.deepEqual([read, left], [10_000, 1]);
});

test('an error comes once, after the waiting items', async () => {
  const backlog = createReadBuffer<number>({ merge: never });
  backlog.push(1);
  backlog.fail(new Error('over'));
  backlog.push(2);
  assert.deepEqual(await backlog.reader.next(), { done: false, value: 1 });
  await assert.rejects(backlog.reader.next(), /over/);
  assert.deepEqual(await backlog.reader.next(), { done: true, value: undefined });
});

test('a waiting reader gets the end, and a reader that leaves is reported', async () => {
  const ended = createReadBuffer<number>({ merge: never });
  const next = ended.reader.next();
  ended.end();
  assert.deepEqual(await next, { done: true, value: undefined });

  let left = 0;
  const backlog = createReadBuffer<number>({ merge: never, onLeft: () => (left += 1) });
  backlog.push(1);
  backlog.push(2);
  for await (const _ of backlog.reader) break;
  backlog.push(3);
  assert.deepEqual(await readAll(backlog.reader), []);
  assert.equal(left, 1);
});

test('discarded items are not read', async () => {
  const backlog = createReadBuffer<number>({ merge: never });
  for (const item of [1, 2, 3]) backlog.push(item);
  backlog.discard((item) => item === 2);
  backlog.end();
  assert.deepEqual(await readAll(backlog.reader), [1, 3]);
});
