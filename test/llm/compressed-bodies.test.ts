/** Tests compressed bodies of answers and errors: with their label, without one and with a wrong one. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import {
  brotliCompressSync,
  constants,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { ask, languageModelAt } from '../support/model/ask.ts';

let answer: (response: ServerResponse) => void = () => {};
const server = createServer((request, response) => {
  request.resume().on('end', () => answer(response));
});
let url = '';
before(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  url = `http://127.0.0.1:${address.port}/v1`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const words = 'Grüße, '.repeat(50);
const stream = Buffer.from(chunk({ content: words }) + chunk({ content: 'done.' }) + chunk({}, 'stop'));
const whole = Buffer.from(
  JSON.stringify({ choices: [{ message: { content: `${words}done.` }, finish_reason: 'stop' }] }),
);

const compress: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gzipSync,
  'deflate (zlib)': deflateSync,
  'deflate (raw)': deflateRawSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
};
/** Formats that begin with a sign of their own, and any label. */
const signed = ['gzip', 'deflate (zlib)', 'zstd'];
const labels = [null, 'gzip', 'x-gzip', 'br', 'deflate', 'identity', 'nonsense'];
const labelOf = (format: string) => format.split(' ')[0] ?? '';

interface Sent {
  status?: number;
  label?: string | null;
  type?: string;
  /** Size of the pieces in which the body is written. */
  piece?: number;
}

function respond(response: ServerResponse, bytes: Buffer, { status = 200, label = null, type, piece }: Sent): void {
  response.writeHead(status, {
    'content-type': type ?? 'text/event-stream',
    ...(label === null ? {} : { 'content-encoding': label }),
  });
  const size = piece ?? bytes.length;
  const write = (at: number) => {
    if (at >= bytes.length) return void response.end();
    response.write(bytes.subarray(at, at + size));
    setImmediate(write, at + size);
  };
  write(0);
}

function sends(bytes: Buffer, sent: Sent) {
  answer = (response) => respond(response, bytes, sent);
  return ask(languageModelAt(url));
}

async function assertRead(bytes: Buffer, sent: Sent): Promise<void> {
  const { text, end } = await sends(bytes, sent);
  assert.deepEqual([text, end.status], [`${words}done.`, 'finished']);
}

describe('a compressed stream', () => {
  for (const [format, of] of Object.entries(compress)) {
    test(`in ${format} is read under its label, in pieces of any size`, async () => {
      for (const piece of [1, 2, 3, 7, undefined])
        await assertRead(of(stream), { label: labelOf(format), ...(piece === undefined ? {} : { piece }) });
      await assertRead(of(whole), { label: labelOf(format), type: 'application/json' });
    });
  }
  for (const format of signed)
    test(`in ${format} is read without a label and under any other`, async () => {
      for (const label of labels) await assertRead(compress[format]?.(stream) ?? stream, { label });
    });

  test('that is plain is read under any label, in pieces of any size', async () => {
    for (const label of labels)
      for (const bytes of [stream, whole, Buffer.concat([Buffer.from('\ufeff'), stream])]) {
        await assertRead(bytes, { label });
        await assertRead(bytes, { label, piece: 1 });
      }
  });

  test('arrives as it is sent, not at its end', async () => {
    const { promise: isShown, resolve: shown } = Promise.withResolvers<string>();
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
      gzip.pipe(response);
      gzip.write(chunk({ content: 'One, ' }));
      // The rest follows only once the first words have been shown.
      void isShown.then(() => gzip.end(chunk({ content: 'two.' }) + chunk({}, 'stop')));
    };
    const { text, end } = await ask(languageModelAt(url), { onText: shown });
    assert.deepEqual([text, end.status], ['One, two.', 'finished']);
  });

  test('that is cut or broken fails as a plain one does', async () => {
    const bytes = gzipSync(stream);
    const broken = Buffer.from(bytes);
    broken.fill(0xff, 20, 60);
    for (const sent of [bytes.subarray(0, 40), broken]) {
      const { end } = await sends(sent, { label: 'gzip' });
      assert.equal(end.status === 'failed' && end.fault.code, 'provider_cut');
    }
  });

  test('that expands without end is stopped', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 'data: x'));
    const { end } = await sends(bomb, { label: 'gzip' });
    assert.equal(end.status === 'failed' && end.fault.code, 'provider_failed');
  });

  test('that is empty fails', async () => {
    const { end } = await sends(Buffer.alloc(0), { label: 'br' });
    assert.equal(end.status, 'failed');
  });
});

describe('a compressed error', () => {
  const error = Buffer.from(JSON.stringify({ error: { message: 'temperature must be below 2', type: 'invalid' } }));
  for (const [format, of] of Object.entries(compress))
    test(`in ${format} keeps its words`, async () => {
      for (const label of signed.includes(format) ? [labelOf(format), null] : [labelOf(format)]) {
        const { end } = await sends(of(error), { status: 400, label, type: 'application/json' });
        assert.ok(end.status === 'failed');
        assert.equal(end.fault.code, 'provider_request');
        assert.match(end.fault.message, /temperature must be below 2/);
      }
    });

  test('that expands without end keeps its status', async () => {
    const { end } = await sends(gzipSync(Buffer.alloc(8 * 1024 * 1024, 'x')), { status: 401, label: 'gzip' });
    assert.equal(end.status === 'failed' && end.fault.code, 'provider_auth');
  });
});
