/** Tests chats that are sent again on the same connection: after a gap in the stream, or after a rejection. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectClient, withCode } from '../support/typed-client.ts';
import { startWire } from './wire-server.ts';

const processing = (requestId: string) => ({
  request_id: requestId,
  status: 'processing',
  conversation_id: 'c1',
  seq: 1,
  metadata: { disposition: 'started' },
});
const text = (requestId: string, offset: number, data: string) => ({
  request_id: requestId,
  status: 'chunk',
  conversation_id: 'c1',
  chunk: { type: 'text', message_id: 'm1', offset, data },
});
const complete = (requestId: string) => ({
  request_id: requestId,
  status: 'complete',
  conversation_id: 'c1',
  seq: 3,
  metadata: {},
});
const refusal = (requestId: string, code: string, retryable: boolean) => ({
  request_id: requestId,
  status: 'error',
  conversation_id: 'c1',
  error: { code, message: 'Not now.', retryable, data: { retry_after_ms: 1 } },
});

describe('a stream with a gap', () => {
  test('is requested again from the gap', async (t) => {
    const wire = await startWire(t, {
      answer({ request_id: id }, send, count) {
        send(processing(id));
        if (count === 1) {
          send(text(id, 0, 'one '));
          send(text(id, 8, 'three'));
        } else {
          send(text(id, 2, 'e two three'));
        }
        send(complete(id));
      },
    });
    const turn = connectClient(t, wire.url).chat('count', { conversationId: 'c1' });
    assert.equal(await turn.text(), 'one two three');
    assert.deepEqual(wire.asked[1]?.payload['cursor'], {
      after_seq: 1,
      message_id: 'm1',
      offset: 4,
      reasoning_offset: 0,
    });
  });

  test('fails with an error if the gap remains', async (t) => {
    const wire = await startWire(t, {
      answer({ request_id: id }, send) {
        send(processing(id));
        send(text(id, 8, 'three'));
      },
    });
    await assert.rejects(
      connectClient(t, wire.url).chat('count', { conversationId: 'c1' }).end,
      withCode('unexpected_answer'),
    );
  });
});

describe('a turn that the server has accepted', () => {
  test('is requested again after a retryable rejection', async (t) => {
    const wire = await startWire(t, {
      answer({ request_id: id }, send, count) {
        if (count === 1) {
          send(processing(id));
          send(refusal(id, 'conversation_failed', true));
        } else if (count < 4) {
          send(refusal(id, 'shutting_down', true));
        } else {
          send(processing(id));
          send(text(id, 0, 'done'));
          send(complete(id));
        }
      },
    });
    assert.equal(await connectClient(t, wire.url).chat('Hi', { conversationId: 'c1' }).text(), 'done');
    assert.equal(wire.asked.length, 4);
  });

  test('fails after a final rejection', async (t) => {
    const wire = await startWire(t, {
      answer({ request_id: id }, send, count) {
        if (count === 1) send(processing(id));
        send(refusal(id, count === 1 ? 'conversation_failed' : 'request_id_reused', count === 1));
      },
    });
    await assert.rejects(
      connectClient(t, wire.url).chat('Hi', { conversationId: 'c1' }).end,
      withCode('request_id_reused'),
    );
  });
});
