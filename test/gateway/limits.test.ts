/**
 * Checks every limit on clients at its edge: the last allowed value works, and the next one gets an error.
 * test/conversation/memory.test.ts and test/registry/passivation.test.ts have the limits of queues and of conversations
 * in memory, admission.test.ts those before a token is checked. Over plain sockets, because the shipped client sends no
 * unreadable frames, and waits after a close with 1013.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { describe, test, type TestContext } from 'node:test';
import type { WebSocket } from 'ws';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { rejectedConnection, type ConnectOptions } from '../support/client.ts';
import { readMetrics } from '../support/metrics.ts';
import { shareServers, startParley, type Parley } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';

async function start(t: TestContext, websocket: Record<string, unknown> = {}, service: Record<string, unknown> = {}) {
  const parley = await startParley(t, { config: { chat: { websocket, service } } });
  return { parley, client: await parley.connect() };
}

/** For sockets that leave nothing behind. */
const serve = shareServers();

/** Retries, because the server notices a closed socket a moment after the client. */
function servedAgain(parley: Parley, options: ConnectOptions = {}): Promise<true> {
  return eventually(
    async () =>
      (await parley.connect(options)).ask('ping').then(
        () => true as const,
        () => false as const,
      ),
    'a place to become free',
  );
}

function nested(levels: number): unknown {
  return levels === 0 ? 0 : [nested(levels - 1)];
}

/** Opens a TCP connection that sends nothing by itself. */
async function openTcp(t: TestContext, url: string): Promise<Socket> {
  const socket = connectTcp({ port: Number(new URL(url).port), host: '127.0.0.1' });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe('connections', () => {
  test('beyond max_connections are closed with 1013, until one closes', async (t) => {
    const { parley, client } = await start(t, { max_connections: 2 });
    const second = await parley.connect();
    assert.deepEqual(await rejectedConnection(parley.url), {
      frames: [],
      code: 1013,
      reason: 'too many connections: chat.websocket.max_connections',
    });
    await second.close();
    await servedAgain(parley);
    await client.ask('ping');
  });

  test('beyond max_connections_per_address are closed with 1013, and other addresses are served', async (t) => {
    const { parley, client } = await start(t, { max_connections_per_address: 2 });
    await parley.connect();
    assert.deepEqual(await rejectedConnection(parley.url), {
      frames: [],
      code: 1013,
      reason: 'too many connections from this address: chat.websocket.max_connections_per_address',
    });
    await (await parley.connect({ localAddress: '127.0.0.2' })).ask('ping');
    await client.close();
    await servedAgain(parley);
  });

  test('beyond max_connections_per_subject are closed with 1013, and other subjects are served', async (t) => {
    const [alice, bob] = [createToken(), createToken()];
    const tokens = [
      { subject: 'alice', sha256: hashToken(alice) },
      { subject: 'bob', sha256: hashToken(bob) },
    ];
    const parley = await startParley(t, {
      config: { auth: { mode: 'token', tokens }, chat: { websocket: { max_connections_per_subject: 1 } } },
    });
    const by = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    const first = await parley.connect(by(alice));
    await first.ask('ping');
    assert.deepEqual(await rejectedConnection(parley.url, by(alice)), {
      frames: [],
      code: 1013,
      reason: 'too many connections of this subject: chat.websocket.max_connections_per_subject',
    });
    await (await parley.connect(by(bob))).ask('ping');
    await first.close();
    await servedAgain(parley, by(alice));
  });

  test('of one subject are not limited without auth', async (t) => {
    const { parley, client } = await start(t, { max_connections_per_subject: 1 });
    await (await parley.connect()).ask('ping');
    await client.ask('ping');
  });

  for (const { name, said } of [
    { name: 'nothing', said: '' },
    { name: 'half a request', said: 'GET /ws/chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: web' },
    {
      name: 'a request whose body does not come',
      said: 'GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n',
    },
  ]) {
    test(`that send ${name} within handshake_timeout are closed`, async (t) => {
      const { parley, client } = await start(t, { handshake_timeout: 0.2 });
      const socket = await openTcp(t, parley.url);
      socket.write(said);
      assert.match(await readText(socket), /HTTP\/1\.1 408 Request Timeout/);
      await client.ask('ping');
    });
  }

  test('that upgrade at a wrong path and stay are closed', async (t) => {
    const { parley } = await start(t);
    const socket = connectTcp({ port: Number(new URL(parley.url).port), host: '127.0.0.1', allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.write('GET /elsewhere HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.resume();
    await once(socket, 'end');
    // Our half is still open. A write to the closed connection is answered with a reset, which the next write reports.
    socket.on('error', () => undefined);
    await eventually(() => {
      socket.write('still here');
      return socket.errored !== null;
    }, 'a reset');
  });

  test('far beyond the limit are dropped', async (t) => {
    const { parley, client } = await start(t, { max_connections: 1 });
    // No address has more than its own limit.
    const sockets = Array.from({ length: 1001 }, (_, index) =>
      connectTcp({
        port: Number(new URL(parley.url).port),
        host: '127.0.0.1',
        localAddress: `127.0.0.${2 + (index % 20)}`,
      }),
    );
    t.after(() => sockets.forEach((socket) => socket.destroy()));
    const closed = Promise.race(sockets.map((socket) => once(socket, 'close')));
    await closed;
    assert.equal(sockets.filter((socket) => socket.closed).length, 1);
    await client.ask('ping');
  });

  test('of one address that load pages are dropped beyond its limit and 100 more, and counted', async (t) => {
    const { parley } = await start(t, { max_connections: 20, max_connections_per_address: 10 });
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const health = (localAddress: string) =>
      new Promise<boolean>((resolve) => {
        const request = get(new URL('/health', parley.url.replace('ws:', 'http:')), { agent, localAddress });
        request.once('response', (response) => void response.resume().once('end', () => resolve(true)));
        request.once('error', () => resolve(false));
      });
    const served = await Promise.all(Array.from({ length: 150 }, () => health('127.0.0.2')));
    // All at once, so no connection is used again.
    assert.equal(served.filter(Boolean).length, 110);
    assert.equal(await health('127.0.0.3'), true);
    const metrics = await readMetrics(parley.url);
    assert.equal(metrics.get('parley_connections_refused_total{reason="address_limit"}'), 40);
  });
});

describe('a frame', () => {
  test('over max_message_size closes the socket with 1009', async (t) => {
    const { client } = await start(t, { max_message_size: 1024 });
    const frame = JSON.stringify({ action: 'ping', request_id: 'r1', payload: {} });
    client.socket.send(frame.padEnd(1024));
    await client.waitFor((received) => received.request_id === 'r1');
    client.socket.send(frame.padEnd(1025));
    assert.equal((await once(client.socket, 'close'))[0], 1009);
  });

  test('nested deeper than max_json_depth is rejected, even a thousandfold, and the socket stays open', async (t) => {
    const { client } = await start(t, { max_json_depth: 10 });
    const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
    // The frame and its payload are the first two levels.
    const chat = (levels: number, id: string) =>
      client.socket.send(
        `{"action":"chat","request_id":"${id}","payload":{"text":"Hi","metadata":${nested(levels - 2)}}}`,
      );
    chat(10, 'r1');
    assert.equal((await client.turn('r1')).end.status, 'complete');
    for (const [levels, id] of [
      [11, 'r2'],
      [50_000, 'r3'],
    ] as const) {
      chat(levels, id);
      const { error } = (await client.turn(id)).end;
      assert.deepEqual(
        [error?.code, error?.message, error?.data['path']],
        ['invalid_request', 'frame: expected at most 10 levels of nesting.', 'frame'],
      );
    }
    client.socket.send('['.repeat(200_000) + ']'.repeat(200_000));
    assert.equal((await client.waitFor((received) => received.request_id === null)).error?.code, 'invalid_request');
    await client.ask('ping');
  });

  test('with a text over max_text_length is rejected with the path and the limit', async (t) => {
    const { client } = await start(t, {}, { max_text_length: 10 });
    assert.equal((await client.chat('0123456789')).end.status, 'complete');
    const { error } = (await client.chat('more than ten')).end;
    assert.equal(error?.code, 'invalid_request');
    assert.match(error?.message ?? '', /payload\.text: expected at most 10 characters/);
  });

  test('that is unreadable closes the socket with 1008 after max_bad_frames others', async (t) => {
    const { client } = await start(t, { max_bad_frames: 3 });
    for (let sent = 0; sent < 3; sent += 1) client.socket.send('{');
    await client.ask('ping');
    client.socket.send('{');
    const [code, reason] = await once(client.socket, 'close');
    assert.deepEqual([code, String(reason)], [1008, 'too many bad frames: chat.websocket.max_bad_frames']);
  });

  test('that is rejected for its content never closes the socket', async (t) => {
    const { client } = await start(t, { max_bad_frames: 0 });
    for (const frame of [
      { action: 'chat', request_id: 'r1', payload: { text: '' } },
      { action: 'chat', request_id: 'r2', payload: 7 },
      { action: 'dance', request_id: 'r3' },
      { action: 'ping' },
      { action: 'history', request_id: 'r4', payload: { conversation_id: 'unknown' } },
      { action: 'chat', request_id: 'r5', payload: { text: 'x', metadata: { deep: nested(100) } } },
    ]) {
      client.socket.send(JSON.stringify(frame));
      await client.waitFor(
        (received) => received.status === 'error' && received.request_id === (frame.request_id ?? null),
      );
    }
    await client.ask('ping');
  });

  for (const frame of ['{', '"text"', '[]', '{}', '{"action":7,"request_id":"r"}'])
    test(`such as ${frame} is unreadable, and closes the socket with 1008 after max_bad_frames others`, async () => {
      const client = await (await serve({ chat: { websocket: { max_bad_frames: 1 } } })).connect();
      client.socket.send(frame);
      await client.ask('ping');
      client.socket.send(frame);
      assert.equal((await once(client.socket, 'close'))[0], 1008);
    });

  test('in a flood closes the socket with 1008, in a burst within frame_burst does not', async (t) => {
    const { client } = await start(t, { frame_burst: 20, frames_per_second: 1 });
    for (let sent = 0; sent < 19; sent += 1) client.send('ping');
    await client.ask('ping');
    for (let sent = 0; sent < 10; sent += 1) client.send('ping');
    const [code, reason] = await once(client.socket, 'close');
    assert.deepEqual([code, String(reason)], [1008, 'too many frames: chat.websocket.frames_per_second']);
  });

  for (const { name, flood } of [
    { name: 'pongs', flood: (socket: WebSocket) => socket.pong() },
    { name: 'pings', flood: (socket: WebSocket) => socket.ping() },
    { name: 'empty fragments', flood: (socket: WebSocket) => socket.send('', { fin: false }) },
    { name: 'large frames', flood: (socket: WebSocket) => socket.send(' '.repeat(200_000)) },
  ]) {
    test(`counts also if it is one of many ${name}`, async (t) => {
      const { client, parley } = await start(t, { frame_burst: 40, frames_per_second: 1, max_bad_frames: 1000 });
      const closed = once(client.socket, 'close');
      for (let sent = 0; sent < 60; sent += 1) flood(client.socket);
      const [code, reason] = await closed;
      assert.deepEqual([code, String(reason)], [1008, 'too many frames: chat.websocket.frames_per_second']);
      await (await parley.connect()).ask('ping');
    });
  }
});
