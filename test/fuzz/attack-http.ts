/**
 * Attacks without WebSocket: garbage, HTTP of many kinds, invalid upgrades. The server may answer anything, but must
 * end the connection by itself.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Violation } from './violation.ts';
import type { Random } from './random.ts';
import { dial, type Target } from './raw-socket.ts';
import { upgradeRequest } from './raw-websocket.ts';
import type { AttackContext } from './attack-context.ts';

/** Longer than every HTTP timeout of the server: its handshake timeout, and 5 s of Node's for idle connections. */
const timeoutMs = 60_000;

type Garbage = (random: Random, target: Target) => Buffer | string;

const garbage: readonly Garbage[] = [
  (random) => random.bytes(random.int(1, 2000)),
  (random) =>
    `${random.pick(['GET', 'POST', 'HEAD', 'BREW', 'OPTIONS', 'TRACE', 'PRI'])} ${random.pick(['/', '/health', '/ready', '/metrics', '*', '/ws/chat', '//', '/%00', `/${'a'.repeat(20_000)}`])} HTTP/1.${random.int(0, 2)}\r\nHost: localhost\r\n\r\n`,
  (random) => `GET /health HTTP/1.1\r\nHost: localhost\r\n${'X-Filler: y\r\n'.repeat(random.int(1, 5000))}\r\n`,
  (random) => 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(random.int(2, 200)),
  () =>
    'POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n',
  () => 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n',
  (random, target) =>
    upgradeRequest(target).replace(
      /Host: .*/,
      random.pick([
        'Host: x',
        'Host:',
        'Host: [::1',
        'Host: localhost\r\nHost: localhost',
        `Host: ${'a.'.repeat(5000)}localhost`,
        'Via: 1.1 x',
        'Connection: Upgrade\r\nHost: localhost',
      ]),
    ),
  () => 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n',
  () => 'GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n',
  (_, { path }) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
  (random, target) => upgradeRequest(target, random.pick([0, 7, 12, 14, 999])),
  (random, target) =>
    upgradeRequest({ ...target, path: random.pick(['/', '/ws', `${target.path}/x`, '/health', `${target.path}%00`]) }),
  (random, target) =>
    upgradeRequest(target).replace(
      /Sec-WebSocket-Key: .*/,
      `Sec-WebSocket-Key: ${random.pick(['', 'short', '='.repeat(24), 'a'.repeat(1000)])}`,
    ),
  (random, target) =>
    upgradeRequest(target).replace(
      'Upgrade: websocket',
      `Upgrade: ${random.pick(['h2c', 'websocket, h2c', 'WEBSOCKET2', ''])}`,
    ),
  (_, target) => upgradeRequest(target).replace('\r\n\r\n', '\r\nOrigin: https://elsewhere.example\r\n\r\n'),
  (_, target) => upgradeRequest(target).replace('\r\n\r\n', '\r\nSec-WebSocket-Protocol: parley, parley, ,\r\n\r\n'),
];

/** Sends the garbage at once or in two pieces, and sometimes random bytes after it. */
export async function sendBadHttp(context: AttackContext): Promise<void> {
  const { random, target } = context;
  const socket = await dial(target, context);
  context.count('sockets');
  const bytes = Buffer.from(random.pick(garbage)(random, target));
  const cut = random.int(0, bytes.length);
  socket.write(bytes.subarray(0, cut));
  if (random.chance(0.5)) await pause(random.int(0, 20));
  socket.write(bytes.subarray(cut));
  if (random.chance(0.3)) socket.write(random.bytes(random.int(1, 500)));
  if (random.chance(0.95)) socket.end();
  await socket.mustEnd(timeoutMs, 'a connection that has sent no valid request').catch((error: unknown) => {
    const received = socket.received().toString('latin1');
    context.trace.got(received);
    // If Node took it for an upgrade, the heartbeat ends the silent connection.
    throw error instanceof Violation
      ? new Violation(`${error.message}; it answered ${JSON.stringify(received.slice(0, 100))}`)
      : error;
  });
}
