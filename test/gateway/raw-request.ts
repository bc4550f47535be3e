/**
 * Sends requests byte by byte as written, with any header in any order and spelling, which no HTTP client allows. So a
 * test can send a proxy's exact requests.
 */
import { once } from 'node:events';
import { connect } from 'node:net';

/** The port of a URL. */
const portOf = (url: string) => Number(new URL(url).port);

const TIMEOUT_MS = 180_000;

/** Sends these lines and an empty one; resolves with the response. */
export async function sendLines(url: string, lines: readonly string[]): Promise<{ status: number; body: string }> {
  const answer = await exchange(url, `${lines.join('\r\n')}\r\n\r\n`, (received) =>
    wholeAnswer(received.toString('latin1')),
  );
  return answer;
}

/** The lines of an upgrade to chat; `hostLines` replace Host, Upgrade and Connection. */
export const upgradeLines = (hostLines: readonly string[], path = '/ws/chat', version = '1.1') => [
  `GET ${path} HTTP/${version}`,
  ...hostLines,
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
];

/** Upgrades and sends one ping of the protocol. `close` is null if the server answered the ping. */
export function upgradeByLines(
  url: string,
  lines: readonly string[],
): Promise<{ close: { code: number; reason: string } | null }> {
  const request = Buffer.concat([
    Buffer.from(`${lines.join('\r\n')}\r\n\r\n`),
    maskedText('{"action":"ping","request_id":"r"}'),
  ]);
  return exchange(url, request, firstFrame);
}

async function exchange<Answer>(
  url: string,
  bytes: string | Buffer,
  read: (received: Buffer) => Answer | null,
): Promise<Answer> {
  const socket = connect(portOf(url), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  try {
    return await new Promise((resolve, reject) => {
      let received = Buffer.alloc(0);
      const fail = () => reject(new Error(`no whole answer: ${received.toString('latin1')}`));
      socket.setTimeout(TIMEOUT_MS, fail);
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        const answer = read(received);
        if (answer !== null) resolve(answer);
      });
      socket.on('close', fail);
      socket.write(bytes);
    });
  } finally {
    socket.destroy();
  }
}

function wholeAnswer(text: string): { status: number; body: string } | null {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = text.slice(0, end);
  const body = text.slice(end + 4);
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  if (length !== undefined) return body.length >= Number(length) ? { status, body } : null;
  // Without a length the body is chunked or ends with the connection. The last chunk marks the end, or the status is
  // enough.
  return /transfer-encoding: chunked/i.test(head) && !body.endsWith('0\r\n\r\n') ? null : { status, body };
}

/** A text frame as clients send it, with a mask of zeros. */
function maskedText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

function firstFrame(received: Buffer): { close: { code: number; reason: string } | null } | null {
  const head = received.indexOf('\r\n\r\n');
  if (head < 0) return null;
  if (!received.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101')))
    throw new Error(`no upgrade: ${received.toString('latin1')}`);
  const frame = received.subarray(head + 4);
  const [first = 0, length = 0] = frame;
  if (frame.length < 2 || frame.length < 2 + length) return null;
  if (first !== 0x88) return { close: null };
  return { close: { code: frame.readUInt16BE(2), reason: frame.subarray(4, 2 + length).toString() } };
}
