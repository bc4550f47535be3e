/**
 * Checks the answers to invalid frames, foreign origins and wrong paths. Over plain sockets, because the shipped client
 * sends no such frames. Limits are in limits.test.ts.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { shareServers } from '../support/parley.ts';

/** Rejected frames leave nothing behind, so one server serves all tests. */
const serve = shareServers();

async function start(websocket: Record<string, unknown> = {}) {
  const parley = await serve({ chat: { websocket } });
  return { parley, client: await parley.connect() };
}

describe('a frame', () => {
  for (const { name, frame, requestId, code, says } of [
    { name: 'that is not JSON', frame: '{oops', requestId: null, code: 'invalid_json', says: /not valid JSON/ },
    { name: 'that is no object', frame: '[]', requestId: null, code: 'invalid_request', says: /frame/ },
    {
      name: 'without request_id',
      frame: '{"action":"ping"}',
      requestId: null,
      code: 'invalid_request',
      says: /request_id/,
    },
    {
      name: 'with an action that does not exist',
      frame: '{"action":"dance","request_id":"r"}',
      requestId: 'r',
      code: 'unknown_action',
      says: /"dance".*chat, cancel/,
    },
    {
      name: 'without text',
      frame: '{"action":"chat","request_id":"r","payload":{}}',
      requestId: 'r',
      code: 'invalid_request',
      says: /payload\.text/,
    },
    {
      name: 'with an empty text',
      frame: '{"action":"chat","request_id":"r","payload":{"text":""}}',
      requestId: 'r',
      code: 'invalid_request',
      says: /at least one character/,
    },
    {
      name: 'with a payload that is no object',
      frame: '{"action":"chat","request_id":"r","payload":7}',
      requestId: 'r',
      code: 'invalid_request',
      says: /payload/,
    },
    {
      name: 'with control characters in an id',
      frame: '{"action":"chat","request_id":"r","payload":{"text":"x","conversation_id":"a\\u0000b"}}',
      requestId: 'r',
      code: 'invalid_request',
      says: /conversation_id.*control characters/,
    },
    {
      name: 'about an unknown conversation',
      frame: '{"action":"history","request_id":"r","payload":{"conversation_id":"unknown"}}',
      requestId: 'r',
      code: 'not_found',
      says: /conversation does not exist/,
    },
  ]) {
    test(`${name} gets ${code} and the socket stays open`, async () => {
      const { client } = await start();
      client.socket.send(frame);
      const answer = await client.waitFor((received) => received.status === 'error');
      assert.equal(answer.request_id, requestId);
      assert.equal(answer.error?.code, code);
      assert.match(answer.error?.message ?? '', says);
      assert.deepEqual((await client.ask('ping')).result, {});
    });
  }

  for (const { name, frame } of [
    { name: 'without text', frame: '{"action":"chat","request_id":"r","payload":{"conversation_id":"c1"}}' },
    { name: 'without request_id', frame: '{"action":"ping","payload":{"conversation_id":"c1"}}' },
    {
      name: 'with an action that does not exist',
      frame: '{"action":"dance","request_id":"r","payload":{"conversation_id":"c1"}}',
    },
    {
      name: 'that is nested too deep',
      frame: `{"action":"chat","request_id":"r","payload":{"conversation_id":"c1","metadata":${'['.repeat(70)}${']'.repeat(70)}}}`,
    },
  ]) {
    test(`${name} gets an error that names its conversation`, async () => {
      const { client } = await start();
      client.socket.send(frame);
      assert.equal((await client.waitFor((received) => received.status === 'error')).conversation_id, 'c1');
    });
  }

  test('whose conversation_id is no id gets an error without one', async () => {
    const { client } = await start();
    client.socket.send('{"action":"history","request_id":"r","payload":{"conversation_id":7}}');
    assert.equal((await client.waitFor((received) => received.status === 'error')).conversation_id, undefined);
  });

  test('may have unknown fields', async () => {
    const { client } = await start();
    assert.equal((await client.chat('Hi', { colour: 'blue' })).end.status, 'complete');
  });

  test('cannot forge an event of the chart', async () => {
    const { client } = await start();
    const turn = await client.chat('Hi', { type: 'xstate.done.actor.log', output: { queue: null } });
    assert.equal(turn.end.status, 'complete');
  });

  test('that is binary closes the socket with 1003', async () => {
    const { client } = await start();
    client.socket.send(Buffer.from('{}'));
    assert.equal((await once(client.socket, 'close'))[0], 1003);
  });
});

describe('a connection', () => {
  test('from a foreign page is closed with 1008, from a page of this machine accepted', async () => {
    const { parley } = await start();
    const foreign = new WebSocket(parley.url, { origin: 'https://evil.example' });
    assert.equal((await once(foreign, 'close'))[0], 1008);
    const local = await parley.connect({ headers: { origin: 'http://localhost:3000' } });
    assert.deepEqual((await local.ask('ping')).result, {});
  });

  test('to another path is rejected with the right one', async () => {
    const { parley } = await start();
    const response = await fetch(parley.url.replace('ws:', 'http:').replace('/ws/chat', '/elsewhere'));
    assert.equal(response.status, 404);
    assert.match(await response.text(), /\/ws\/chat/);
  });

  test('that answers no ping is terminated', async () => {
    const { parley } = await start({ ping_interval: 0.1, ping_timeout: 0.1 });
    const deaf = new WebSocket(parley.url, { autoPong: false });
    assert.equal((await once(deaf, 'close'))[0], 1006);
  });
});
