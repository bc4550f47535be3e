/** Tests which sockets a draining gateway closes, by the pending requests of their sessions. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { openGateway } from '../../src/gateway/server.ts';
import { createDecoder } from '../../src/protocol/decoder.ts';
import { resultFrame } from '../../src/protocol/frames.ts';

/** A gateway whose requests the test answers, in order. `verified` settles when its clients are verified. */
async function start(t: TestContext, verified: Promise<void> = Promise.resolve()) {
  const answers: (() => void)[] = [];
  const sessions: string[] = [];
  const gateway = await openGateway({
    host: '127.0.0.1',
    port: 0,
    endpoint: '/ws/chat',
    maxMessageBytes: 10_000,
    handshakeTimeoutMs: 10_000,
    pingIntervalMs: 30_000,
    pingTimeoutMs: 10_000,
    admission: {
      maxConnections: 10,
      maxConnectionsPerAddress: 10,
      maxConnectionsPerSubject: 10,
      maxUnverifiedBytes: 10_000,
      refusalOf: () => null,
      onRefused: () => undefined,
      verify: () => verified.then(() => 'ann'),
      onError: assert.fail,
    },
    session: {
      decode: createDecoder({ maxTextLength: 1000, maxMetadataBytes: 16_384, maxDepth: 10, allowedModels: [] }),
      handle: (session, { requestId }) =>
        new Promise((resolve) =>
          answers.push(() => {
            session.send(JSON.stringify(resultFrame(requestId, {})));
            resolve();
          }),
        ),
      incidents: { socketClosed() {}, frameRefused() {} },
      limits: { maxBufferedBytes: 1_000_000, maxBadFrames: 0 },
    },
    frames: { perSecond: 1000, burst: 1000 },
    http: (_, response) => void response.end(),
    isServing: () => true,
    viewers: null,
    delivery: { open: ({ id }) => void sessions.push(id), close: () => undefined },
    onError: assert.fail,
  });
  t.after(() => gateway.close());
  const connect = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/ws/chat`);
    const frames: string[] = [];
    socket.on('message', (data) => frames.push(data.toString()));
    await once(socket, 'open');
    return { socket, frames, closed: once(socket, 'close').then(([code]) => Number(code)) };
  };
  /** Resolves when so many have come. */
  const until = async (list: readonly unknown[], count: number) => {
    while (list.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  return { gateway, answers, sessions, connect, until };
}

test('closeIdleSockets closes a socket with a pending request only after the response', async (t) => {
  const { gateway, answers, sessions, connect, until } = await start(t);
  const asking = await connect();
  asking.socket.send(JSON.stringify({ action: 'tools', request_id: 'r1', payload: {} }));
  await until(answers, 1);
  const idle = await connect();
  await until(sessions, 2);

  gateway.closeIdleSockets(new Set());
  assert.equal(await idle.closed, 1012);
  assert.equal(asking.socket.readyState, WebSocket.OPEN);

  answers[0]?.();
  // What keeps count of it settles after the answer.
  await new Promise((resolve) => setImmediate(resolve));
  gateway.closeIdleSockets(new Set());
  assert.equal(await asking.closed, 1012);
  assert.equal(asking.frames.length, 1);
});

test('closeIdleSockets keeps the sockets of needed sessions', async (t) => {
  const { gateway, sessions, connect, until } = await start(t);
  const [first, second] = [await connect(), await connect()];
  await until(sessions, 2);
  gateway.closeIdleSockets(new Set([sessions[1] ?? '']));
  assert.equal(await first.closed, 1012);
  assert.equal(second.socket.readyState, WebSocket.OPEN);
  gateway.closeIdleSockets(new Set());
  assert.equal(await second.closed, 1012);
});

test('closeIdleSockets closes a socket whose token is being checked', async (t) => {
  const verified = Promise.withResolvers<void>();
  const { gateway, sessions, connect } = await start(t, verified.promise);
  const { closed } = await connect();
  gateway.closeIdleSockets(new Set());
  assert.equal(await closed, 1012);
  verified.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(sessions, []);
});
