/**
 * One socket: decodes its frames, answers what cannot be understood, and sends what it is given,
 * corked so that the frames of one tick cost one system call. Client abuse ends in a close code.
 */
import { randomUUID } from 'node:crypto';
import type { RawData, WebSocket } from 'ws';
import type { Session } from '../delivery/topic.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import type { Decoded } from '../protocol/decoder.ts';
import { errorFrame } from '../protocol/frames.ts';
import type { Request } from '../protocol/actions.ts';

/** Read for each frame. */
export interface SessionLimits {
  /** Bytes that may wait for a socket before it counts as slow. */
  maxBufferedBytes: number;
  framesPerSecond: number;
  frameBurst: number;
  /** Frames that could not be understood, before the socket is closed. */
  maxBadFrames: number;
}

/** Behind what makes a socket slow, answers that it asked for may pile up to this many times `maxBufferedBytes`; then it is ended. */
const HARD_LIMIT_FACTOR = 8;

/** What a request handler knows of its socket. */
export interface ClientSession extends Session {
  /** Whose conversations this socket reaches. */
  readonly subject: string;
  /** The conversation of a client that names none; made at its first chat. */
  ownConversation(): string;
  hasOwnConversation(): boolean;
  /** True while a request of this socket is looked up or read. What a conversation owes it, the conversation knows. */
  hasPendingRequests(): boolean;
}

export interface SessionDeps {
  /** A WebSocket frame of that text, in one piece. */
  encode(text: string): Uint8Array;
  decode(text: string): Decoded;
  /** Resolves when the request is answered, or handed to its conversation; null if that is so when it returns. */
  handle(session: ClientSession, request: Request): Promise<void> | null;
  limits: SessionLimits;
}

/** The TCP socket below a WebSocket. */
interface Wire {
  cork(): void;
  uncork(): void;
  write(bytes: Uint8Array, done?: () => void): void;
}

/**
 * Listens to the socket's messages from now on; its closing is the caller's to notice. A frame sent to a
 * closed socket is dropped, and a socket that never reads is terminated.
 */
export function createSession(
  { id, subject }: Pick<ClientSession, 'id' | 'subject'>,
  socket: WebSocket,
  wire: Wire,
  { decode, encode, handle, limits }: SessionDeps,
): ClientSession {
  const budget = createFrameBudget(limits);
  let corked = false;
  let badFrames = 0;
  let asking = 0;
  let ownConversation: string | null = null;
  let drained: (() => void)[] = [];
  /** Bytes at least, sent since the socket has become slow. One frame alone may be larger than any limit, and is no reason to end a socket. */
  let pendingBytes = 0;

  const uncork = () => {
    corked = false;
    wire.uncork();
  };
  const isSlow = () => socket.bufferedAmount > limits.maxBufferedBytes;
  /** Comes back when everything before it has left: an empty ping costs two bytes. */
  const askWhenFlushed = () => {
    if (socket.readyState === socket.OPEN) socket.ping('', false, onFlushed);
  };
  const onFlushed = (): void => {
    if (drained.length === 0) return;
    // Something large was written behind the ping that brought us here.
    if (isSlow()) return askWhenFlushed();
    const callbacks = drained;
    drained = [];
    for (const callback of callbacks) callback();
  };

  const session: ClientSession = {
    id,
    subject,
    send(frame) {
      if (socket.readyState !== socket.OPEN) return;
      pendingBytes = isSlow() ? pendingBytes + frame.length : 0;
      if (pendingBytes > limits.maxBufferedBytes * HARD_LIMIT_FACTOR) {
        socket.terminate();
        return;
      }
      if (!corked) {
        corked = true;
        wire.cork();
        process.nextTick(uncork);
      }
      // The callback is needed only to notice when a slow socket has drained.
      if (isSlow()) wire.write(encode(frame), onFlushed);
      else wire.write(encode(frame));
    },
    isSlow,
    whenDrained(callback) {
      drained.push(callback);
      askWhenFlushed();
    },
    closeForReconnect: () =>
      socket.close(closeCodes.tryLater.code, 'rows that were still to be read are gone; come back with your cursor'),
    ownConversation: () => (ownConversation ??= randomUUID()),
    hasOwnConversation: () => ownConversation !== null,
    hasPendingRequests: () => asking > 0,
  };

  const handleRequest = (request: Request) => {
    const answering = handle(session, request);
    if (answering === null) return;
    asking += 1;
    void answering.finally(() => (asking -= 1));
  };

  socket.on('message', (data: RawData, isBinary: boolean) => {
    // `ws` goes on reading after our close: a socket that was turned away is not served.
    if (socket.readyState !== socket.OPEN) return undefined;
    if (isBinary) return socket.close(closeCodes.binary.code, 'text frames only');
    if (!budget.take(performance.now())) return socket.close(closeCodes.abuse.code, 'too many frames');
    const decoded = decode(data.toString());
    if ('request' in decoded) return handleRequest(decoded.request);
    session.send(JSON.stringify(errorFrame(decoded.requestId, decoded.fault, decoded.conversationId)));
    badFrames += 1;
    if (badFrames > limits.maxBadFrames) socket.close(closeCodes.abuse.code, 'too many bad frames');
  });
  return session;
}

/**
 * How many frames one socket may send: a token bucket that refills with time. A flood is the
 * client's fault and ends the socket; honest bursts (a page of requests on reconnect) pass.
 */
interface FrameBudget {
  /** Takes one frame's token; false when there is none. */
  take(nowMs: number): boolean;
}

/** `framesPerSecond` in the long run, `frameBurst` at once; both are read each time. */
function createFrameBudget(limits: { readonly framesPerSecond: number; readonly frameBurst: number }): FrameBudget {
  let tokens = limits.frameBurst;
  let lastMs = 0;
  return {
    take(nowMs) {
      tokens = Math.min(limits.frameBurst, tokens + ((nowMs - lastMs) * limits.framesPerSecond) / 1000);
      lastMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
