/** Proofs for `chat.websocket` and `auth`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { connect, rejectedConnection } from '../support/client.ts';
import { connectClient } from '../support/typed-client.ts';
import type { Proof } from './proofs.ts';
import { startReloadable } from './scene.ts';

const websocket = (settings: Record<string, unknown>) => ({ chat: { websocket: settings } });
const chat = (text: string, metadata: object = {}) =>
  JSON.stringify({ action: 'chat', request_id: 'r', payload: { text, metadata } });

async function open(
  url: string,
  options: { autoPong?: boolean; headers?: Record<string, string> } = {},
): Promise<WebSocket> {
  const socket = new WebSocket(url, options);
  await once(socket, 'open');
  return socket;
}

async function closeCode(socket: WebSocket): Promise<number> {
  const [code] = await once(socket, 'close');
  return Number(code);
}

export const websocketProofs: Proof[] = [
  {
    keys: ['chat.websocket.max_message_size'],
    shows: 'the size of a frame, for sockets that connect from then on',
    async prove(t) {
      const scene = await startReloadable(t);
      const { url } = scene;
      const before = await open(url);
      await scene.reload(websocket({ max_message_size: 1024 }));
      const after = await open(url);
      const closed = closeCode(after);
      after.send(chat('x'.repeat(2_000)));
      assert.equal(await closed, 1009);
      before.send(chat('x'.repeat(2_000)));
      await once(before, 'message');
      before.terminate();
    },
  },
  {
    keys: ['chat.websocket.allowed_hosts'],
    shows: 'the hosts under which a server without tokens is reached',
    async prove(t) {
      const scene = await startReloadable(t);
      const { url } = scene;
      const options = { headers: { host: 'chat.example.com' } };
      assert.equal(await closeCode(await open(url, options)), 1008);
      await scene.reload(websocket({ allowed_hosts: ['chat.example.com'] }));
      const socket = await open(url, options);
      socket.send(chat('Hi'));
      await once(socket, 'message');
      socket.terminate();
    },
  },
  {
    keys: ['chat.websocket.max_json_depth'],
    shows: 'the depth of a frame, on a socket that is open',
    async prove(t) {
      const scene = await startReloadable(t);
      const socket = await open(scene.url);
      await scene.reload(websocket({ max_json_depth: 8 }));
      socket.send(chat('Hi', { a: { b: { c: { d: { e: { f: { g: {} } } } } } } }));
      const [frame] = await once(socket, 'message');
      assert.match(String(frame), /at most 8 levels/);
      socket.terminate();
    },
  },
  {
    keys: ['chat.websocket.handshake_timeout'],
    shows: 'the time to a whole first request',
    async prove(t) {
      const scene = await startReloadable(t, { config: websocket({ handshake_timeout: 600 }) });
      const { port } = new URL(scene.url);
      await scene.reload(websocket({ handshake_timeout: 0.2 }));
      const socket = connectTcp({ port: Number(port), host: '127.0.0.1' });
      assert.match(await readText(socket), /408/);
    },
  },
  {
    keys: ['chat.websocket.ping_interval', 'chat.websocket.ping_timeout'],
    shows: 'how often a socket is pinged, and how long its answer is waited for, on one that is open',
    async prove(t) {
      const scene = await startReloadable(t, { config: websocket({ ping_interval: 600, ping_timeout: 600 }) });
      const silent = await open(scene.url, { autoPong: false });
      const [pinged, closed] = [once(silent, 'ping'), closeCode(silent)];
      await scene.reload(websocket({ ping_interval: 0.1, ping_timeout: 0.1 }));
      await pinged;
      assert.equal(await closed, 1006);
    },
  },
  {
    keys: ['chat.websocket.allow_origins'],
    shows: 'the pages that may connect',
    async prove(t) {
      const scene = await startReloadable(t);
      const { url } = scene;
      const options = { headers: { origin: 'https://chat.example' } };
      assert.equal((await rejectedConnection(url, options)).code, 1008);
      await scene.reload(websocket({ allow_origins: ['https://chat.example'] }));
      const client = await connect(url, options);
      await client.ask('ping');
      await client.close();
    },
  },
  {
    keys: ['chat.websocket.max_connections', 'chat.websocket.max_connections_per_address'],
    shows: 'the sockets at once; those that are open stay',
    async prove(t) {
      const scene = await startReloadable(t);
      const { url } = scene;
      const [first, second] = [await connect(url), await connect(url)];
      await scene.reload(websocket({ max_connections_per_address: 1 }));
      assert.equal(
        (await rejectedConnection(url)).reason,
        'too many connections from this address: chat.websocket.max_connections_per_address',
      );
      await scene.reload(websocket({ max_connections: 1 }));
      assert.equal((await rejectedConnection(url)).reason, 'too many connections: chat.websocket.max_connections');
      for (const client of [first, second]) await client.ask('ping');
      await scene.reload(websocket({ max_connections: 3, max_connections_per_address: 3 }));
      const third = await connect(url);
      await third.ask('ping');
      for (const client of [first, second, third]) await client.close();
    },
  },
  {
    keys: [
      'chat.websocket.max_connections_per_subject',
      'auth.tokens',
      'auth.verification_timeout',
      'auth.max_unverified_bytes',
    ],
    shows: 'the sockets of one subject, and whose a token is',
    async prove(t) {
      const [alice, bob] = [createToken(), createToken()];
      const tokens = [{ subject: 'alice', sha256: hashToken(alice) }];
      const scene = await startReloadable(t, { config: { auth: { mode: 'token', tokens } } });
      const { url } = scene;
      const by = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
      const first = await connect(url, by(alice));
      await first.ask('ping');
      await scene.reload({
        ...websocket({ max_connections_per_subject: 1 }),
        auth: { tokens: [...tokens, { subject: 'bob', sha256: hashToken(bob) }] },
      });
      assert.equal(
        (await rejectedConnection(url, by(alice))).reason,
        'too many connections of this subject: chat.websocket.max_connections_per_subject',
      );
      await connectClient(t, url, { token: bob }).chat('Hi').end;
      await first.close();
    },
  },
  {
    keys: ['chat.websocket.max_bad_frames', 'chat.websocket.max_buffered_bytes'],
    shows: 'the bad frames that a socket may send, on one that is open',
    async prove(t) {
      const scene = await startReloadable(t);
      const socket = await open(scene.url);
      await scene.reload(websocket({ max_bad_frames: 0, max_buffered_bytes: 65_536 }));
      const closed = closeCode(socket);
      socket.send('nonsense');
      assert.equal(await closed, 1008);
    },
  },
  {
    keys: [
      'chat.websocket.max_reads_per_socket',
      'chat.websocket.max_reads_per_subject',
      'chat.websocket.max_waiting_reads',
    ],
    shows: 'the reads at a time and those that wait, on a socket that is open',
    async prove(t) {
      const scene = await startReloadable(t);
      const client = await connect(scene.url);
      /** How many of 40 requests at once are rejected. */
      const rejected = async () => {
        const answers = await Promise.all(
          Array.from({ length: 40 }, () => client.ask('history', { conversation_id: 'c' })),
        );
        return answers.filter(({ error }) => error?.code === 'overloaded').length;
      };
      assert.equal(await rejected(), 0);
      await scene.reload(websocket({ max_waiting_reads: 1 }));
      assert.notEqual(await rejected(), 0);
      await scene.reload(websocket({ max_reads_per_subject: 40 }));
      assert.notEqual(await rejected(), 0);
      await scene.reload(websocket({ max_reads_per_socket: 40 }));
      assert.equal(await rejected(), 0);
      await scene.reload(websocket({ max_reads_per_subject: 1 }));
      assert.notEqual(await rejected(), 0);
      await client.close();
    },
  },
  {
    keys: ['chat.websocket.frames_per_second', 'chat.websocket.frame_burst'],
    shows: 'the frames that a socket may send, on one that is open, of a client and of a viewer',
    async prove(t) {
      const scene = await startReloadable(t);
      const { url } = scene;
      const sockets = [await open(url), await open(url.replace('/ws/chat', '/inspect/events?conversation=c1'))];
      await scene.reload(websocket({ frames_per_second: 1, frame_burst: 5 }));
      for (const socket of sockets) {
        const closed = closeCode(socket);
        for (let sent = 0; sent < 100; sent += 1)
          socket.send(JSON.stringify({ action: 'ping', request_id: String(sent) }));
        assert.equal(await closed, 1008);
      }
    },
  },
];
