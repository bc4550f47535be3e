/** The check that every frame of the test suite passes through: it has to notice what it is there for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFrameCheck } from '../support/frame-check.ts';

const ofTurn = { request_id: 'r1', conversation_id: 'c1' };
const chunk = { type: 'text', message_id: 'm1', offset: 0, data: 'Hi' };
const error = { code: 'overloaded', message: 'Too much.', retryable: true, data: { retry_after_ms: 5 } };
const none = { request_id: null, status: 'error' };

describe('a frame', () => {
  for (const { name, frame } of [
    { name: 'a chunk', frame: { ...ofTurn, status: 'chunk', chunk } },
    { name: 'an error without a request', frame: { ...none, error } },
    {
      name: 'the result of a request that was not seen',
      frame: { request_id: 'r1', status: 'result', result: { conversation_id: 'c2' } },
    },
  ]) {
    test(`passes: ${name}`, () => assert.deepEqual(createFrameCheck().check(JSON.stringify(frame)), frame));
  }

  for (const { name, frame, says } of [
    {
      name: 'a status that there is not',
      frame: { ...ofTurn, status: 'dancing' },
      says: /no frame of the protocol.*dancing/,
    },
    {
      name: 'a field that nobody has described',
      frame: { ...ofTurn, status: 'chunk', mood: 'good', chunk },
      says: /"mood"/,
    },
    {
      name: 'one that lies deeper',
      frame: { ...ofTurn, status: 'chunk', chunk: { ...chunk, mood: 'good' } },
      says: /"mood"/,
    },
    { name: 'a field that is missing', frame: { request_id: 'r1', status: 'chunk', chunk }, says: /conversation_id/ },
    {
      name: 'a code that is not in the table',
      frame: { ...none, error: { ...error, code: 'tired' } },
      says: /no code of the table/,
    },
    {
      name: 'a code that is retryable only there',
      frame: { ...none, error: { ...error, retryable: false } },
      says: /not as retryable/,
    },
    {
      name: 'data that the table does not know',
      frame: { ...none, error: { ...error, data: { path: 'payload' } } },
      says: /data\.path is not in the table/,
    },
    {
      name: 'a result of no action',
      frame: { request_id: 'r1', status: 'result', result: { mood: 'good' } },
      says: /no frame of the protocol/,
    },
  ]) {
    test(`does not pass: ${name}`, () =>
      assert.throws(() => createFrameCheck().check(JSON.stringify(frame)), { name: 'AssertionError', message: says }));
  }

  test('does not pass: the result of another action than was asked for', () => {
    const check = createFrameCheck();
    check.recordRequest(JSON.stringify({ action: 'history', request_id: 'r1', payload: { conversation_id: 'c1' } }));
    assert.throws(
      () => check.check(JSON.stringify({ request_id: 'r1', status: 'result', result: { conversation_id: 'c2' } })),
      /no result of history.*next_before_seq/s,
    );
  });

  test('does not pass: text that is no JSON', () =>
    assert.throws(() => createFrameCheck().check('{oops'), /no frame of the protocol: \{oops/));
});
