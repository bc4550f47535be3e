/** Tests that a client can read the reason of a close while it still sends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startParley } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { createTempHome } from '../support/temp-home.ts';

test('a client gets 1009 for a too large frame while it still sends, and responses to earlier requests', async (t) => {
  // In a process of its own, which closes while this one writes: a connection torn there would be reset here.
  const server = (await createTempHome(t)).start();
  const client = await server.connect();
  client.socket.on('error', () => {});
  client.send('ping', {}, 'r1');
  client.socket.send(' '.repeat(1_048_577));
  for (let count = 0; count < 500; count += 1) client.socket.send(' '.repeat(1000));
  const [code] = await once(client.socket, 'close');
  assert.equal(code, 1009);
  assert.equal(client.frames[0]?.request_id, 'r1');
});

test('the server terminates a socket that keeps sending and never closes', async (t) => {
  const parley = await startParley(t);
  const { hostname, port, pathname } = new URL(parley.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.write(
    `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  // A text frame of one character, without the mask that clients owe.
  socket.write(Buffer.from([0x81, 1, 0x61]));
  await once(socket.resume(), 'end');
  await eventually(() => {
    socket.write('still here');
    return socket.errored !== null;
  }, 'a reset');
});
