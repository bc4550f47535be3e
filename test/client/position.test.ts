/** Tests the position of a reader: it skips repetitions, detects gaps, and cuts overlaps. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createPosition } from '../../src/client/position.ts';
import type { Chunk } from '../../src/protocol/chunks.ts';

const text = (messageId: string, offset: number, data: string): Chunk => ({
  type: 'text',
  message_id: messageId,
  offset,
  data,
});
const reasoning = (messageId: string, offset: number, data: string): Chunk => ({
  type: 'reasoning',
  message_id: messageId,
  offset,
  data,
});
const reset = (messageId: string): Chunk => ({ type: 'reset', message_id: messageId, data: '' });
const result = (seq: number): Chunk => ({
  type: 'tool_result',
  call_id: 'k1',
  name: 'add',
  status: 'ok',
  data: '5',
  duration_ms: 1,
  seq,
});

describe('a position', () => {
  test('accepts new text and cuts known text', () => {
    const position = createPosition();
    assert.deepEqual(position.take(text('m1', 0, 'abc')), text('m1', 0, 'abc'));
    assert.deepEqual(position.take(text('m1', 1, 'bcde')), text('m1', 3, 'de'));
    assert.equal(position.take(text('m1', 0, 'abcde')), 'repeat');
    assert.equal(position.take(text('m1', 6, 'g')), 'gap');
    assert.deepEqual(position.cursor(), { after_seq: 0, message_id: 'm1', offset: 5, reasoning_offset: 0 });
  });

  test('counts text and reasoning separately', () => {
    const position = createPosition();
    position.take(reasoning('m1', 0, 'hmm'));
    assert.deepEqual(position.take(text('m1', 0, 'a')), text('m1', 0, 'a'));
    assert.deepEqual(position.cursor(), { after_seq: 0, message_id: 'm1', offset: 1, reasoning_offset: 3 });
  });

  test('closes a message at the next row, and recognizes late chunks of it', () => {
    const position = createPosition();
    position.passed(1);
    position.take(text('m1', 0, 'abc'));
    assert.deepEqual(position.take(result(4)), result(4));
    assert.equal(position.take(result(4)), 'repeat');
    assert.equal(position.take(text('m1', 0, 'abc')), 'repeat');
    assert.deepEqual(position.cursor(), { after_seq: 4 });
    assert.deepEqual(position.take(text('m2', 0, 'x')), text('m2', 0, 'x'));
  });

  test('detects a missing beginning of a message', () => {
    const position = createPosition();
    assert.equal(position.take(text('m1', 2, 'c')), 'gap');
    assert.deepEqual(position.cursor(), { after_seq: 0 });
  });

  test('continues in the message of its cursor', () => {
    const position = createPosition({ after_seq: 3, message_id: 'm1', offset: 2 });
    assert.deepEqual(position.take(text('m1', 2, 'c')), text('m1', 2, 'c'));
  });

  test('forgets a message after its reset', () => {
    const position = createPosition();
    position.take(text('m1', 0, 'abc'));
    assert.deepEqual(position.take(reset('m1')), reset('m1'));
    assert.deepEqual(position.cursor(), { after_seq: 0 });
    assert.deepEqual(position.take(text('m2', 0, 'x')), text('m2', 0, 'x'));
  });

  test("accepts every row once and in order; an assistant message's row closes the message", () => {
    const position = createPosition();
    assert.equal(position.row(1, null), 'new');
    position.take(text('m1', 0, 'abc'));
    assert.equal(position.row(1, null), 'repeat');
    assert.equal(position.row(3, null), 'gap');
    assert.equal(position.row(2, null), 'new');
    assert.equal(position.cursor().message_id, 'm1', 'another message was queued, this one goes on');
    assert.equal(position.row(3, 'm1'), 'new');
    assert.deepEqual(position.cursor(), { after_seq: 3 });
    position.restart(40);
    assert.equal(position.row(41, null), 'new');
  });

  test('assembles a message from overlapping pieces, each unit once', () => {
    const pieces = fc.array(fc.record({ from: fc.nat(30), length: fc.nat(12) }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 30 }), pieces, (whole, cuts) => {
        const position = createPosition();
        let shown = '';
        for (const { from, length } of [...cuts, { from: 0, length: whole.length }]) {
          const taken = position.take(text('m1', Math.min(from, whole.length), whole.slice(from, from + length)));
          if (typeof taken === 'string' || taken.type !== 'text') continue;
          assert.equal(taken.offset, shown.length);
          shown += taken.data;
          assert.equal(shown, whole.slice(0, shown.length));
        }
        assert.equal(shown, whole);
      }),
      { seed: 11, numRuns: 300 },
    );
  });
});
