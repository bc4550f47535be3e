/** Tests sockets while their credential is checked: real sockets and a slow verifier. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { withTimeout, type Verifier } from '../../src/auth/verifier.ts';
import { openGateway } from '../../src/gateway/server.ts';
import { createDecoder } from '../../src/protocol/decoder.ts';
import { connect, rejectedConnection } from '../support/client.ts';
import { eventually } from '../support/eventually.ts';

/** A gateway that replies to each request with the verified subject as the conversation. */
async function start(
  t: TestContext,
  verifier: Verifier,
  limits: { maxUnverifiedBytes?: number; verificationMs?: number } = {},
) {
  const errors: unknown[] = [];
  const sessions: string[] = [];
  const refused: string[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const gateway = await openGateway({
    host: '127.0.0.1',
    port: 0,
    endpoint: '/ws/chat',
    maxMessageBytes: 1_000_000,
    handshakeTimeoutMs: 10_000,
    pingIntervalMs: 30_000,
    pingTimeoutMs: 10_000,
    admission: {
      maxConnections: 10,
      maxConnectionsPerAddress: 10,
      maxConnectionsPerSubject: 10,
      maxUnverifiedBytes: limits.maxUnverifiedBytes ?? 100_000,
      refusalOf: () => null,
      onRefused: ({ kind }) => void refused.push(kind),
      verify: withTimeout(verifier, limits.verificationMs ?? 10_000),
      onError,
    },
    session: {
      decode: createDecoder({ maxTextLength: 1000, maxMetadataBytes: 16_384, maxDepth: 10, allowedModels: [] }),
      handle(session, { requestId }) {
        session.send(
          JSON.stringify({ request_id: requestId, status: 'result', conversation_id: session.subject, result: {} }),
        );
        return null;
      },
      incidents: { socketClosed() {}, frameRefused() {} },
      limits: { maxBufferedBytes: 1_000_000, maxBadFrames: 0 },
    },
    frames: { perSecond: 1000, burst: 1000 },
    http: (_, response) => void response.end(),
    isServing: () => true,
    viewers: null,
    delivery: { open: ({ id }) => void sessions.push(id), close: () => undefined },
    onError,
  });
  t.after(() => gateway.close());
  return { gateway, errors, sessions, refused, url: `ws://127.0.0.1:${gateway.port}/ws/chat` };
}

/** A verifier whose result the test sets. */
function slowVerifier() {
  const asked = Promise.withResolvers<string | null>();
  const verdict = Promise.withResolvers<string | null>();
  const verifier: Verifier = {
    verify(credential) {
      asked.resolve(credential);
      return verdict.promise;
    },
  };
  return { verifier, asked: asked.promise, decide: verdict.resolve };
}

describe('while the credential is checked', () => {
  test('frames are held, and answered in order after success', async (t) => {
    const { verifier, asked, decide } = slowVerifier();
    const { url, sessions } = await start(t, verifier);
    const client = await connect(url, { headers: { authorization: 'Bearer abc' } });
    for (const id of ['r1', 'r2']) client.send('ping', {}, id);
    assert.equal(await asked, 'abc');
    // A pong comes back behind the frames: they have been read, and none was answered.
    client.socket.ping();
    await once(client.socket, 'pong');
    assert.deepEqual([client.frames, sessions], [[], []]);
    decide('alice');
    await client.waitFor((frame) => frame.request_id === 'r2');
    client.send('ping', {}, 'r3');
    await client.waitFor((frame) => frame.request_id === 'r3');
    assert.deepEqual(
      client.frames.map(({ request_id: id, conversation_id: subject }) => [id, subject]),
      [
        ['r1', 'alice'],
        ['r2', 'alice'],
        ['r3', 'alice'],
      ],
    );
    client.socket.terminate();
  });

  test('no request is served; after a failure the client gets an error, then 1008', async (t) => {
    const { verifier, asked, decide } = slowVerifier();
    const { url, sessions } = await start(t, verifier);
    const away = rejectedConnection(url, { protocols: ['parley', 'parley.token.abc'] });
    assert.equal(await asked, 'abc');
    decide(null);
    const { frames, code, reason } = await away;
    assert.deepEqual(
      frames.map(({ request_id: id, error }) => [id, error?.code]),
      [[null, 'unauthorized']],
    );
    assert.deepEqual([code, reason, sessions], [1008, 'unauthorized: the token is unknown; send a valid one', []]);
  });

  for (const { name, send } of [
    {
      name: 'many frames',
      send: (socket: WebSocket) => Array.from({ length: 30 }, () => socket.send('x'.repeat(100))),
    },
    { name: 'a frame that never ends', send: (socket: WebSocket) => socket.send('x'.repeat(3000), { fin: false }) },
  ]) {
    test(`a socket beyond max_unverified_bytes is closed with 1008: ${name}`, async (t) => {
      const { verifier, decide } = slowVerifier();
      const { url, sessions, refused } = await start(t, verifier, { maxUnverifiedBytes: 2000 });
      const client = await connect(url);
      send(client.socket);
      const [code, reason] = await once(client.socket, 'close');
      assert.deepEqual(
        [code, String(reason)],
        [1008, 'too much data before the token was checked: auth.max_unverified_bytes'],
      );
      decide('alice');
      // Another socket, whose verdict is there: that of the first came too late for it.
      const other = await connect(url);
      await other.ask('ping');
      assert.deepEqual([sessions, refused], [['s1'], ['unverified_bytes']]);
      other.socket.terminate();
    });
  }

  test('bytes after the check do not count', async (t) => {
    const { url } = await start(t, { verify: () => 'alice' }, { maxUnverifiedBytes: 2000 });
    const client = await connect(url);
    for (let round = 0; round < 40; round += 1) await client.ask('ping', { filler: 'x'.repeat(100) });
    assert.equal(client.socket.readyState, WebSocket.OPEN);
    client.socket.terminate();
  });

  test('a socket that closes is forgotten', async (t) => {
    const { verifier, asked, decide } = slowVerifier();
    const { url, gateway, sessions } = await start(t, verifier);
    const client = await connect(url);
    await asked;
    await client.close();
    decide('alice');
    const other = await connect(url);
    await other.ask('ping');
    assert.deepEqual([gateway.connections(), sessions], [1, ['s1']]);
    other.socket.terminate();
  });
});

describe('a failed check closes with 1013 and is reported', () => {
  for (const { name, verifier, fault } of [
    {
      name: 'when verification_timeout is over',
      verifier: { verify: () => new Promise<null>(() => {}) },
      fault: /longer than 50 ms/,
    },
    {
      name: 'when the verifier fails',
      verifier: { verify: () => Promise.reject(new Error('keys unreachable')) },
      fault: /keys unreachable/,
    },
  ]) {
    test(name, async (t) => {
      const { url, errors, sessions } = await start(t, verifier, { verificationMs: 50 });
      const { frames, code, reason } = await rejectedConnection(url);
      assert.deepEqual(
        frames.map(({ error }) => [error?.code, error?.retryable]),
        [['internal', true]],
      );
      assert.deepEqual([code, reason, sessions], [1013, 'the token could not be checked; reconnect later', []]);
      assert.equal(errors.length, 1);
      assert.match(String(errors[0]), fault);
    });
  }
});

test('admission terminates a rejected socket that does not answer the close', async (t) => {
  const { url, gateway } = await start(t, { verify: () => null });
  const deaf = new WebSocket(url);
  t.after(() => deaf.terminate());
  // Reads nothing from here on, so it receives no close.
  deaf.on('open', () => deaf.pause());
  await once(deaf, 'open');
  assert.equal(gateway.connections(), 1);
  await eventually(() => gateway.connections() === 0, 'the end of it');
});
