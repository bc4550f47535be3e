/** Tests the encoded text frames with a real WebSocket client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { createFrameEncoder, encodeTextFrame } from '../../src/gateway/text-frame.ts';

test('a client reads every text unchanged, at each length where the head changes', async (context) => {
  const texts = [
    '',
    'a',
    'ü🙂',
    ...[125, 126, 127, 65_535, 65_536, 200_000].map((length) => 'x'.repeat(length)),
    '🙂'.repeat(40),
  ];
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  context.after(() => server.close());
  server.on('connection', (_socket, request) => {
    for (const text of texts) request.socket.write(encodeTextFrame(text));
  });
  await once(server, 'listening');
  const address = server.address();
  const client = new WebSocket(`ws://127.0.0.1:${typeof address === 'object' ? address?.port : address}`);
  context.after(() => client.terminate());

  const received: string[] = [];
  await new Promise<void>((resolve, reject) => {
    client.on('error', reject);
    client.on('message', (data) => {
      received.push(data.toString());
      if (received.length === texts.length) resolve();
    });
  });

  assert.deepEqual(received, texts);
});

test('the encoder writes the replacement character for a lone surrogate', () => {
  assert.deepEqual(encodeTextFrame('a\ud83d'), Buffer.from([0x81, 4, 0x61, 0xef, 0xbf, 0xbd]));
});

test('the encoder encodes repeated text once', () => {
  const encode = createFrameEncoder();
  const first = encode(['ab', 'c'].join(''));
  assert.equal(encode('abc'), first);
  assert.deepEqual(encode('abd'), encodeTextFrame('abd'));
  assert.deepEqual(encode('abc'), first);
});
