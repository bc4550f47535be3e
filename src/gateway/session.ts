/**
 * Serves one WebSocket: decodes its frames, passes requests to the handler, and sends frames. The frames of one tick are
 * corked, so they cost one system call. Closes the socket if the client exceeds a limit.
 */
import { randomUUID } from 'node:crypto';
import type { RawData, WebSocket } from 'ws';
import type { CloseReason, IncidentReport } from '../observability/incident-report.ts';
import type { Session } from '../delivery/topic.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import type { Decoded } from '../protocol/decoder.ts';
import { errorFrame } from '../protocol/frames.ts';
import { sizeOf } from '../protocol/raw-json.ts';
import type { Request } from '../protocol/actions.ts';
import { createTokenBucket } from '../scheduling/token-bucket.ts';
import { closeSocket, closeWithTimeout } from './close-socket.ts';
import { encodeParts } from './text-frame.ts';

/** Read for each frame. */
export interface SessionLimits {
  /** A socket with more unsent bytes is slow. */
  maxBufferedBytes: number;
  /** Unreadable frames at once, before the socket is closed. As many are forgiven each minute. */
  maxBadFrames: number;
}

/** A slow socket with this many times `maxBufferedBytes` of further responses is terminated. */
const HARD_LIMIT_FACTOR = 8;

/** The socket as request handlers see it. */
export interface ClientSession extends Session {
  /** The owner of the conversations that this socket can reach. */
  readonly subject: string;
  isOpen(): boolean;
  /** The id of the conversation for requests that name none; created at the first call. */
  ownConversation(): string;
  hasOwnConversation(): boolean;
  /** True while a handler works on a request of this socket. Requests that a conversation has are not counted. */
  hasPendingRequests(): boolean;
}

/** What a session needs beside its socket. */
export interface SessionDeps {
  /** Encodes text as one WebSocket frame. */
  encode(text: string): Uint8Array;
  decode(text: string): Decoded;
  /** Handles a request. Null if it is answered or routed; else a promise that resolves then. */
  handle(session: ClientSession, request: Request): Promise<void> | null;
  limits: SessionLimits;
  incidents: IncidentReport;
}

/** The TCP socket below a WebSocket. */
interface Wire {
  cork(): void;
  uncork(): void;
  write(bytes: Uint8Array, done?: () => void): void;
}

/**
 * Handles the socket's messages from now on. The caller handles its close. Frames for a closed socket are dropped. A
 * socket that never reads is terminated.
 */
export function createSession(
  { id, subject }: Pick<ClientSession, 'id' | 'subject'>,
  socket: WebSocket,
  wire: Wire,
  { decode, encode, handle, limits, incidents }: SessionDeps,
): ClientSession {
  const badFrameBudget = createTokenBucket({
    get perSecond() {
      return limits.maxBadFrames / 60;
    },
    get burst() {
      return limits.maxBadFrames;
    },
  });
  let corked = false;
  let pendingRequests = 0;
  let ownConversation: string | null = null;
  let drained: (() => void)[] = [];
  /** At least this many bytes were sent since the socket became slow. One frame alone may exceed every limit, and must not end the socket. */
  let pendingBytes = 0;

  const uncork = () => {
    corked = false;
    wire.uncork();
  };
  const isSlow = () => socket.bufferedAmount > limits.maxBufferedBytes;
  /** Calls back when everything before the ping is written. An empty ping costs two bytes. */
  const pingWhenFlushed = () => {
    if (socket.readyState === socket.OPEN) socket.ping('', false, onFlushed);
  };
  const onFlushed = (): void => {
    if (drained.length === 0) return;
    // Something large was written behind the ping.
    if (isSlow()) return pingWhenFlushed();
    const callbacks = drained;
    drained = [];
    for (const callback of callbacks) callback();
  };

  const session: ClientSession = {
    id,
    subject,
    send(frame) {
      if (socket.readyState !== socket.OPEN) return;
      pendingBytes = isSlow() ? pendingBytes + sizeOf(frame) : 0;
      if (pendingBytes > limits.maxBufferedBytes * HARD_LIMIT_FACTOR) {
        incidents.socketClosed('unread_data');
        socket.terminate();
        return;
      }
      if (!corked) {
        corked = true;
        wire.cork();
        process.nextTick(uncork);
      }
      // The callback only detects when a slow socket has drained.
      const done = isSlow() ? onFlushed : undefined;
      if (typeof frame === 'string') wire.write(encode(frame), done);
      else for (const part of encodeParts(frame)) wire.write(part, frame.includes(part) ? freed(part, done) : done);
    },
    isSlow,
    unsentBytes: () => socket.bufferedAmount,
    closeStalled() {
      incidents.socketClosed('unread_data');
      closeWithTimeout(socket, closeCodes.tryLater.code, 'the client takes no responses; reconnect with the cursor');
    },
    isOpen: () => socket.readyState === socket.OPEN,
    whenDrained(callback) {
      if (socket.readyState === socket.CLOSED) return process.nextTick(callback);
      drained.push(callback);
      return pingWhenFlushed();
    },
    closeForReconnect: () =>
      closeSocket(
        socket,
        closeCodes.tryLater.code,
        'retention deleted rows that this client did not have; reconnect with the cursor',
      ),
    ownConversation: () => (ownConversation ??= randomUUID()),
    hasOwnConversation: () => ownConversation !== null,
    hasPendingRequests: () => pendingRequests > 0,
  };

  const close = (reason: CloseReason, code: number, words: string) => {
    incidents.socketClosed(reason);
    closeSocket(socket, code, words);
  };

  const handleRequest = (request: Request) => {
    const handling = handle(session, request);
    if (handling === null) return;
    pendingRequests += 1;
    void handling.finally(() => (pendingRequests -= 1));
  };

  // In the next tick the other parts know that the socket has closed.
  socket.once('close', () => process.nextTick(() => drained.splice(0).forEach((callback) => callback())));
  socket.on('message', (data: RawData, isBinary: boolean) => {
    // `ws` still reads after the server's close: a rejected socket must not be served.
    if (socket.readyState !== socket.OPEN) return undefined;
    if (isBinary) return close('binary_frame', closeCodes.binary.code, 'binary frame; send text frames only');
    const decoded = decode(data.toString());
    if ('request' in decoded) return handleRequest(decoded.request);
    session.send(JSON.stringify(errorFrame(decoded.requestId, decoded.fault, decoded.conversationId)));
    incidents.frameRefused(decoded.fault.code);
    if (decoded.isUnreadable && !badFrameBudget.take(performance.now()))
      close('bad_frames', closeCodes.abuse.code, 'too many bad frames: chat.websocket.max_bad_frames');
  });
  return session;
}

/** Frees the memory of a large part once it is written. The collector would leave hundreds of MB for a while. */
function freed(part: Uint8Array, done: (() => void) | undefined): () => void {
  return () => {
    if (part.buffer instanceof ArrayBuffer) part.buffer.transfer(0);
    done?.();
  };
}
