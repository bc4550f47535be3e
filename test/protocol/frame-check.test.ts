/** Tests the check that every frame of the test suite passes through. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFrameCheck } from '../support/frame-check.ts';

const ofTurn = { request_id: 'r1', conversation_id: 'c1' };
const chunk = { type: 'text', message_id: 'm1', offset: 0, data: 'Hi' };
const error = { code: 'overloaded', message: 'Too much.', retryable: true, data: { retry_after_ms: 5 } };
const none = { request_id: null, status: 'error' };

describe('the frame check', () => {
  for (const { name, frame } of [
    { name: 'a chunk', frame: { ...ofTurn, status: 'chunk', chunk } },
    { name: 'an error without a request', frame: { ...none, error } },
    {
      name: 'the result of an unknown request',
      frame: { request_id: 'r1', status: 'result', result: { conversation_id: 'c2' } },
    },
  ]) {
    test(`accepts ${name}`, () => assert.deepEqual(createFrameCheck().check(JSON.stringify(frame)), frame));
  }

  for (const { name, frame, says } of [
    {
      name: 'an unknown status',
      frame: { ...ofTurn, status: 'dancing' },
      says: /no frame of the protocol.*dancing/,
    },
    {
      name: 'an undescribed field',
      frame: { ...ofTurn, status: 'chunk', mood: 'good', chunk },
      says: /"mood"/,
    },
    {
      name: 'an undescribed nested field',
      frame: { ...ofTurn, status: 'chunk', chunk: { ...chunk, mood: 'good' } },
      says: /"mood"/,
    },
    { name: 'a missing field', frame: { request_id: 'r1', status: 'chunk', chunk }, says: /conversation_id/ },
    {
      name: 'an unknown error code',
      frame: { ...none, error: { ...error, code: 'tired' } },
      says: /no code of the table/,
    },
    {
      name: 'a wrong retryable flag',
      frame: { ...none, error: { ...error, retryable: false } },
      says: /not as retryable/,
    },
    {
      name: 'an unknown key of data',
      frame: { ...none, error: { ...error, data: { path: 'payload' } } },
      says: /data\.path is not in the table/,
    },
    {
      name: 'a result of no action',
      frame: { request_id: 'r1', status: 'result', result: { mood: 'good' } },
      says: /no frame of the protocol/,
    },
  ]) {
    test(`rejects ${name}`, () =>
      assert.throws(() => createFrameCheck().check(JSON.stringify(frame)), { name: 'AssertionError', message: says }));
  }

  test('rejects the result of another action than requested', () => {
    const check = createFrameCheck();
    check.recordRequest(JSON.stringify({ action: 'history', request_id: 'r1', payload: { conversation_id: 'c1' } }));
    assert.throws(
      () => check.check(JSON.stringify({ request_id: 'r1', status: 'result', result: { conversation_id: 'c2' } })),
      /no result of history.*next_before_seq/s,
    );
  });

  test('rejects text that is not JSON', () =>
    assert.throws(() => createFrameCheck().check('{oops'), /no frame of the protocol: \{oops/));
});
