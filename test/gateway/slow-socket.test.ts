/** Tests a socket whose client does not read: the limit of unsent bytes. Real sockets, so the kernel buffers some first. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { fault } from '../../src/errors.ts';
import { createSession, type ClientSession } from '../../src/gateway/session.ts';
import { encodeTextFrame } from '../../src/gateway/text-frame.ts';

const maxBufferedBytes = 65_536;
/** More than the kernel buffers for a client that does not read, and many times the limit. */
const large = 'x'.repeat(16_000_000);

/** A client that does not read, and its session. */
async function connectIdler(test: TestContext): Promise<{ client: WebSocket; session: ClientSession }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  test.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  const client = new WebSocket(`ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`);
  test.after(() => client.terminate());
  client.on('error', () => undefined);
  const [[socket, request]] = await Promise.all([once(server, 'connection'), once(client, 'open')]);
  client.pause();
  const session = createSession({ id: 's1', subject: 'ann' }, socket, request.socket, {
    encode: encodeTextFrame,
    decode: () => ({
      requestId: null,
      conversationId: undefined,
      isUnreadable: true,
      fault: fault('invalid_json', 'This socket accepts no frames.'),
    }),
    handle: () => null,
    incidents: { socketClosed() {}, frameRefused() {} },
    limits: { maxBufferedBytes, maxBadFrames: 1 },
  });
  return { client, session };
}

describe('a client that does not read', () => {
  test('keeps its socket after one frame beyond the limit, and a few small ones', async (t) => {
    const { client, session } = await connectIdler(t);
    session.send(large);
    assert.ok(session.isSlow());
    session.send('the end');
    const lengths: number[] = [];
    client.on('message', (data) => lengths.push(data.toString().length));
    client.resume();
    while (lengths.length < 2) await once(client, 'message');
    assert.deepEqual(lengths, [large.length, 'the end'.length]);
  });

  test('is terminated if more responses follow', async (t) => {
    const { client, session } = await connectIdler(t);
    session.send(large);
    const closed = once(client, 'close');
    for (let sent = 0; sent <= 8 * maxBufferedBytes; sent += 4096) session.send('x'.repeat(4096));
    client.resume();
    assert.deepEqual((await closed)[0], 1006);
  });

  test('is reported when it has drained, and gets frames again', async (t) => {
    const { client, session } = await connectIdler(t);
    for (let times = 0; times < 2; times += 1) {
      session.send(large);
      for (let sent = 0; sent < 5 * maxBufferedBytes; sent += 4096) session.send('x'.repeat(4096));
      const drained = new Promise<void>((resolve) => session.whenDrained(resolve));
      client.resume();
      await drained;
      client.pause();
    }
    assert.equal(client.readyState, client.OPEN);
  });
});
