/**
 * Reads the body of an answer as text, to its end or until no more is wanted. There are two ways to the
 * bytes: a message of node:http, as it comes from the socket, and a web stream, which costs more for each
 * chunk than all that is done with it, for answers that come from no socket. What the text means is not known here.
 */
import type { IncomingMessage } from 'node:http';

export type Body = IncomingMessage | ReadableStream<Uint8Array>;

/** Takes decoded text, '' at the clean end. False: no more is wanted. */
export type TextReader = (text: string) => boolean;

/** How long the rest of an answer nobody reads any more may take before its connection is closed. */
const drainMs = 1_000;

const streaming = { stream: true };

/**
 * Calls `onBytes` for whatever arrives. Resolves with false when the connection broke (or was aborted)
 * before the end; rejects with what `take` threw.
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

async function readMessage(message: IncomingMessage, take: TextReader, onBytes: () => void): Promise<boolean> {
  // It broke before anybody listened, and will not say so again.
  if (message.destroyed) return false;
  const decoder = new TextDecoder();
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  let wanted = true;
  const offer = (text: string) => {
    if (!wanted) return;
    try {
      wanted = take(text);
    } catch (error) {
      // A listener that throws would take the process down.
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
  // 'close' follows and tells; without a listener an error would end the process.
  message.on('error', () => {});
  message.once('close', () => resolve(false));
  return promise;
}

/** An answer left after its `[DONE]` is all but over: read to its end, the connection serves again. */
function drain(message: IncomingMessage): void {
  message.resume();
  const timer = setTimeout(() => message.destroy(), drainMs);
  message.once('close', () => clearTimeout(timer));
}
