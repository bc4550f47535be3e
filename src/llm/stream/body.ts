/**
 * Reads the body of an answer as text, to its end or until the reader stops. Bytes come from a node:http message, or from a
 * web stream if the answer does not come from a socket. A web stream costs more per chunk than all its processing. Does not
 * interpret the text.
 */
import type { Readable } from 'node:stream';

/** The body of a response. */
export type Body = Readable | ReadableStream<Uint8Array>;

/** Gets decoded text, and '' at the clean end. False stops the reading. */
export type TextReader = (text: string) => boolean;

/** Longest time for the rest of an answer that is not needed. Then its connection is closed. */
const drainMs = 1_000;

const streaming = { stream: true };

/**
 * Calls `onBytes` for all data. Resolves with false if the connection broke (or was aborted) before the end. Rejects with
 * what `take` threw.
 */
export function readBody(body: Body, take: TextReader, onBytes: () => void): Promise<boolean> {
  return body instanceof ReadableStream ? readStream(body, take, onBytes) : readMessage(body, take, onBytes);
}

async function readStream(body: ReadableStream<Uint8Array>, take: TextReader, onBytes: () => void): Promise<boolean> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    let next;
    try {
      next = await reader.read();
    } catch {
      return false;
    }
    if (next.done) {
      take('');
      return true;
    }
    onBytes();
    const text = decoder.decode(next.value, streaming);
    if (text !== '' && !take(text)) {
      await reader.cancel();
      return true;
    }
  }
}

async function readMessage(message: Readable, take: TextReader, onBytes: () => void): Promise<boolean> {
  // The connection broke before the listeners were added, and emits nothing more.
  if (message.destroyed) return false;
  const decoder = new TextDecoder();
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  let wanted = true;
  const offer = (text: string) => {
    if (!wanted) return;
    try {
      wanted = take(text);
    } catch (error) {
      // A listener that throws would end the process.
      wanted = false;
      reject(error);
    }
  };
  const onData = (bytes: Buffer) => {
    onBytes();
    const text = decoder.decode(bytes, streaming);
    if (text !== '') offer(text);
    if (wanted) return;
    message.off('data', onData);
    drain(message);
    resolve(true);
  };
  message.on('data', onData);
  message.once('end', () => {
    offer('');
    resolve(true);
  });
  // 'close' follows. Without a listener an error would end the process.
  message.on('error', () => {});
  message.once('close', () => resolve(false));
  return promise;
}

/** After `[DONE]` little is left. Reads it to the end, so that the connection can be reused. */
function drain(message: Readable): void {
  message.resume();
  const timer = setTimeout(() => message.destroy(), drainMs);
  message.once('close', () => clearTimeout(timer));
}
