/** Tests malformed frames and requests: each is answered or ignored, and affects no other. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectClient, readAll, withCode } from '../support/typed-client.ts';
import { startWire } from './wire-server.ts';

const problem = { code: 'invalid_json', message: 'The frame is not valid JSON.', retryable: false, data: {} };
const started = (requestId: string, conversationId: string) => ({
  request_id: requestId,
  status: 'processing',
  conversation_id: conversationId,
  seq: 1,
  metadata: { disposition: 'started' },
});
const said = (requestId: string, conversationId: string, data: string) => ({
  request_id: requestId,
  status: 'chunk',
  conversation_id: conversationId,
  chunk: { type: 'text', message_id: `m of ${conversationId}`, offset: 0, data },
});
const completed = (requestId: string, conversationId: string) => ({
  request_id: requestId,
  status: 'complete',
  conversation_id: conversationId,
  seq: 3,
  metadata: { finish_reason: 'stop' },
});

describe('the client', () => {
  test('ignores frames without a request, and invalid frames', async (t) => {
    const wire = await startWire(t, {
      greet(socket) {
        for (const frame of ['{oops', '[]', 'null', '{"status":"error"}', '{"status":"sung","request_id":"r1"}'])
          socket.send(frame);
        for (const request_id of [null, 'unknown', 7])
          socket.send(JSON.stringify({ request_id, status: 'error', error: problem }));
        socket.send(JSON.stringify({ request_id: null, status: 'error', conversation_id: 'c1', error: problem }));
        socket.send(JSON.stringify(completed('unknown', 'c1')));
        socket.send(Buffer.from('binary'));
      },
      answer({ request_id }, send) {
        send(started(request_id, 'c1'));
        send(said(request_id, 'c2', 'of another conversation'));
        send(said(request_id, 'c1', 'mine'));
        send(completed(request_id, 'c1'));
      },
    });
    const turn = connectClient(t, wire.url).chat('Hi', { conversationId: 'c1', requestId: 'r1' });
    assert.equal(await turn.text(), 'mine');
    assert.equal(wire.sockets, 1);
  });

  test('passes an error without a conversation to its request', async (t) => {
    const wire = await startWire(t, {
      answer: ({ request_id }, send) =>
        send({ request_id, status: 'error', error: { ...problem, code: 'invalid_request' } }),
    });
    const client = connectClient(t, wire.url);
    await assert.rejects(client.chat('', { conversationId: 'c1' }).end, withCode('invalid_request'));
    await assert.rejects(readAll(client.subscribe('c1')), withCode('invalid_request'));
    await assert.rejects(client.history('c1'), withCode('invalid_request'));
  });

  test('keeps turns of two conversations with the same request id apart', async (t) => {
    const wire = await startWire(t, {
      answer({ request_id: id, payload }, send) {
        if (payload['conversation_id'] === 'c1') return;
        for (const conversation of ['c2', 'c1']) send(started(id, conversation));
        for (const conversation of ['c1', 'c2']) send(said(id, conversation, `in ${conversation}`));
        for (const conversation of ['c2', 'c1']) send(completed(id, conversation));
      },
    });
    const client = connectClient(t, wire.url);
    const turns = ['c1', 'c2'].map((conversationId) => client.chat('Hi', { conversationId, requestId: 'r1' }));
    assert.deepEqual(await Promise.all(turns.map((turn) => turn.text())), ['in c1', 'in c2']);
  });
});

describe('a request that cannot be written as JSON', () => {
  test('fails with and without a connection, and blocks no other', async (t) => {
    const wire = await startWire(t, {
      answer({ request_id }, send) {
        send(started(request_id, 'c1'));
        send(completed(request_id, 'c1'));
      },
    });
    const client = connectClient(t, wire.url);
    for (const moment of ['before', 'after'] as const) {
      const odd = client.chat('Hi', { conversationId: 'c1', metadata: { [moment]: 1n } });
      const sound = client.chat('Hi', { conversationId: 'c1' });
      await assert.rejects(odd.end, withCode('unsendable'));
      await assert.rejects(odd.accepted, withCode('unsendable'));
      await sound.end;
    }
    assert.equal(wire.asked.length, 2);
  });
});
