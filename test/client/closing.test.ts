/** Tests the end of a connection: which close codes are final, which lead to a reconnect, and how pending promises settle. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openConnection } from '../../src/client/connection.ts';
import { closeCodes } from '../../src/protocol/close-codes.ts';
import { stalls } from '../support/model/replies.ts';
import { startScripted } from '../support/parley.ts';
import { connectClient, readAll, withCode } from '../support/typed-client.ts';
import { startWire } from './wire-server.ts';

const codesThat = (comeBack: boolean) =>
  Object.values(closeCodes)
    .filter((close) => (close.comeBack !== 'no') === comeBack)
    .map(({ code }) => code);
const [finalCodes, passingCodes] = [codesThat(false), codesThat(true)];

describe('a connection that the server closes', () => {
  for (const code of finalCodes) {
    test(`with ${code} stays closed, and pending promises reject with the reason`, async (t) => {
      const wire = await startWire(t, { greet: (socket) => socket.close(code, 'enough') });
      const client = connectClient(t, wire.url);
      const turn = client.chat('Hi');
      assert.deepEqual(await client.whenStatus('closed'), { status: 'closed', code, reason: 'enough' });
      const isClosing = (error: unknown) =>
        withCode('connection_closed')(error) && error instanceof Error && error.message.includes(`${code}, enough`);
      await assert.rejects(turn.end, isClosing);
      await assert.rejects(readAll(turn), isClosing);
      await assert.rejects(client.tools(), isClosing);
      await assert.rejects(readAll(client.subscribe('c1')), isClosing);
      assert.equal(wire.sockets, 1);
    });
  }

  for (const code of [1000, 1001, 1011, ...passingCodes]) {
    test(`with ${code} is reopened`, async (t) => {
      const wire = await startWire(t, {
        greet: (socket, count) => void (count < 3 && socket.close(code)),
        answer: ({ request_id }, send) => send({ request_id, status: 'result', result: {} }),
      });
      const client = connectClient(t, wire.url);
      await client.ping();
      assert.equal(wire.sockets, 3);
    });
  }

  test('without a close frame is reopened; so is one that never opened', async (t) => {
    const wire = await startWire(t, {
      greet: (socket, count) => void (count < 3 && socket.terminate()),
      answer: ({ request_id }, send) => send({ request_id, status: 'result', result: {} }),
    });
    const client = connectClient(t, wire.url);
    await client.ping();
    assert.ok(client.statuses.every((status) => status.status !== 'waiting' || status.code === 1006));
  });

  test('right after each opening is reopened with growing delays', async (t) => {
    const wire = await startWire(t, { greet: (socket) => socket.close(1013) });
    const client = connectClient(t, wire.url, { reconnect: { minMs: 1, maxMs: 8, random: () => 0 } });
    const delays = () => client.statuses.flatMap((status) => (status.status === 'waiting' ? [status.delayMs] : []));
    while (delays().length < 6) {
      await client.whenStatus('waiting');
      await client.whenStatus('connecting');
    }
    assert.deepEqual(delays().slice(0, 6), [1, 2, 4, 8, 8, 8]);
  });
});

describe('a client with reconnect.attempts', () => {
  const reconnect = { minMs: 1, maxMs: 2, attempts: 3 };

  test('stops after that many failed connections, and names the URL', async (t) => {
    const wire = await startWire(t, { greet: (socket) => socket.terminate() });
    const client = connectClient(t, wire.url, { reconnect });
    const turn = client.chat('Hi');
    assert.deepEqual(await client.whenStatus('unreachable'), {
      status: 'unreachable',
      tries: 3,
      code: 1006,
      reason: '',
    });
    const isReported = (error: unknown) =>
      withCode('unreachable')(error) &&
      error instanceof Error &&
      error.message ===
        `No Parley server answers at ${wire.url} (tried 3 times). Start the server, or correct the address.`;
    await assert.rejects(turn.end, isReported);
    await assert.rejects(client.tools(), isReported);
    assert.equal(wire.sockets, 3);
  });

  test('stops with the close reason of a server that closes each connection', async (t) => {
    const wire = await startWire(t, { greet: (socket) => socket.close(1013, 'too many connections') });
    const client = connectClient(t, wire.url, { reconnect });
    await assert.rejects(
      client.ping(),
      (error) =>
        withCode('unreachable')(error) &&
        error instanceof Error &&
        error.message.includes('(1013, too many connections)'),
    );
  });

  test('counts from the last frame of the server', async (t) => {
    const wire = await startWire(t, {
      // Every socket is lost: one at once, the next after its answer.
      greet: (socket, count) =>
        void (count % 2 === 1
          ? socket.terminate()
          : socket.once('message', () => setImmediate(() => socket.close(1012)))),
      answer: ({ request_id }, send) => send({ request_id, status: 'result', result: {} }),
    });
    const client = connectClient(t, wire.url, { reconnect });
    for (let ping = 1; ping <= 4; ping += 1) {
      await client.ping();
      await client.whenStatus('waiting');
    }
    assert.ok(wire.sockets >= 8);
  });
});

describe('the real server', () => {
  test('closes a client that sends too many frames, which does not reconnect', async (t) => {
    const { parley } = await startScripted(t, {
      config: { chat: { websocket: { frame_burst: 20, frames_per_second: 1 } } },
    });
    const client = connectClient(t, parley.url);
    const startMs = performance.now();
    const pings = await Promise.allSettled(Array.from({ length: 200 }, () => client.ping()));
    const seconds = (performance.now() - startMs) / 1000;
    // Fewer if frames arrive in one piece, which are counted together; one more for each second that all this takes.
    assert.ok(pings.filter(({ status }) => status === 'fulfilled').length <= 20 + seconds);
    assert.deepEqual(await client.whenStatus('closed'), {
      status: 'closed',
      code: 1008,
      reason: 'too many frames: chat.websocket.frames_per_second',
    });
  });

  test('closes a client that sends too long a message, which does not reconnect', async (t) => {
    const { parley } = await startScripted(t, {
      config: { chat: { websocket: { max_message_size: 2_000 }, service: { max_text_length: 1_000 } } },
    });
    const turn = connectClient(t, parley.url).chat('long '.repeat(1_000));
    await assert.rejects(
      turn.end,
      (error) => withCode('connection_closed')(error) && error instanceof Error && error.message.includes('1009'),
    );
  });
});

describe('closing the client', () => {
  test('rejects pending promises, cancels no turn, and happens once', async (t) => {
    const { parley, model, client: other } = await startScripted(t);
    model.script(stalls('Once '));
    const client = connectClient(t, parley.url);
    const turn = client.chat('a story', { conversationId: 'c1', requestId: 'r1' });
    await turn.accepted;
    client.close();
    client.close();
    await assert.rejects(turn.end, withCode('connection_closed'));
    await assert.rejects(client.ping(), withCode('connection_closed'));
    assert.deepEqual(
      client.statuses.map(({ status }) => status),
      ['connecting', 'open', 'closed'],
    );
    assert.deepEqual(
      (await other.ask('cancel', { conversation_id: 'c1' })).result?.['cancelled'],
      ['r1'],
      'it was still running',
    );
  });

  test('stops a pending delay or handshake', async (t) => {
    const wire = await startWire(t, { greet: (socket) => socket.close(1013) });
    const waiting = connectClient(t, wire.url, { reconnect: { minMs: 60_000 } });
    await waiting.whenStatus('waiting');
    waiting.close();
    const dialling = connectClient(t, wire.url);
    dialling.close();
    assert.deepEqual(
      dialling.statuses.map(({ status }) => status),
      ['connecting', 'closed'],
    );
  });
});

test('the client replaces a socket that emits close within close() by one socket, not two', async () => {
  let dialled = 0;
  /** Never opens, and is given up when its handshake has taken too long. */
  class Abrupt {
    listeners: ((event: { code: number; reason: string }) => void)[] = [];
    constructor() {
      dialled += 1;
    }
    addEventListener(type: string, listener: (event: never) => void): void {
      if (type === 'close') this.listeners.push(listener as (event: { code: number; reason: string }) => void);
    }
    send(): void {}
    close(): void {
      for (const listener of this.listeners) listener({ code: 1006, reason: '' });
    }
  }
  const statuses: string[] = [];
  const third = Promise.withResolvers<void>();
  const connection = openConnection({
    url: 'ws://127.0.0.1:1/',
    protocols: [],
    WebSocket: Abrupt,
    attempts: Infinity,
    handshakeMs: 1,
    heartbeatMs: 60_000,
    probe: '',
    backoff: () => 1,
    onText: () => {},
    onStatus({ status }) {
      statuses.push(status);
      if (dialled === 3) third.resolve();
    },
  });
  await third.promise;
  connection.close();
  assert.deepEqual(statuses, ['connecting', 'waiting', 'connecting', 'waiting', 'connecting', 'closed']);
});
