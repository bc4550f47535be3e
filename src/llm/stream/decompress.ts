/**
 * Decompresses bodies of providers. Parley asks for none that is compressed, but gateways and CDNs send them all the same,
 * sometimes without a label or with a wrong one (https://github.com/Wei-Shaw/claude-relay-service/pull/1039). So the first
 * bytes decide, and the label `content-encoding` only where a format has no sign of its own.
 */
import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';

/** Enough for the longest sign, that of zstd. */
const SIGN_BYTES = 4;

/** The first bytes of the signs below. `(` and `x` begin no answer and no error. */
const FIRST_OF_SIGN: ReadonlySet<number> = new Set([0x1f, 0x28, 0x78]);

/**
 * Resolves with the body as plain bytes, once its first bytes have come or it has ended. A plain body is the message
 * itself, so it costs nothing more. A broken body fails while it is read, not here.
 */
export async function plainBody(message: IncomingMessage): Promise<Readable> {
  const label = (message.headers['content-encoding'] ?? '').toLowerCase();
  const first = await firstBytes(message, /\b(?:br|deflate)\b/.test(label));
  const decompress = decompressorFor(first, label);
  if (decompress === null) return message;
  // An error of one closes the other. The reader of the result gets it.
  return pipeline(message, decompress, () => {});
}

/** Null for a plain body. */
function decompressorFor(first: Buffer, label: string): Transform | null {
  // RFC 1952, section 2.3.1; RFC 8878, section 3.1.1; RFC 1950, section 2.2, with the usual window of 32 KB.
  if (first[0] === 0x1f && first[1] === 0x8b) return createGunzip();
  if (first.length >= SIGN_BYTES && first.readUInt32LE() === 0xfd2fb528) return createZstdDecompress();
  if (first[0] === 0x78 && [0x01, 0x5e, 0x9c, 0xda].includes(first[1] ?? -1)) return createInflate();
  if (isText(first.subarray(0, SIGN_BYTES))) return null;
  if (/\bbr\b/.test(label)) return createBrotliDecompress();
  return /\bdeflate\b/.test(label) ? createInflateRaw() : null;
}

/** JSON, events and pages begin with ASCII, perhaps behind a byte order mark. */
function isText(bytes: Buffer): boolean {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasMark || bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d));
}

/** Looks at the first bytes and leaves them in the message. `needsSign`: also if no sign begins with the first one. */
function firstBytes(message: IncomingMessage, needsSign: boolean): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  let seen: Buffer = Buffer.alloc(0);
  const done = () => {
    message.off('readable', look).off('close', done).off('error', done);
    if (seen.length > 0 && !message.destroyed) message.unshift(seen);
    resolve(seen);
  };
  function look(): void {
    // A read at the end would emit the end, before a reader listens.
    if (message.readableLength === 0) return message.complete ? done() : undefined;
    const chunk: unknown = message.read();
    if (!Buffer.isBuffer(chunk)) return;
    seen = Buffer.concat([seen, chunk]);
    const mayBeSign = needsSign || FIRST_OF_SIGN.has(seen[0] ?? -1);
    if (!mayBeSign || seen.length >= SIGN_BYTES) done();
  }
  message.on('readable', look).on('close', done).on('error', done);
  return promise;
}
