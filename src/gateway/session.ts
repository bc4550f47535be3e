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
import type { Request } from '../protocol/actions.ts';

/** Read for each frame. */
export interface SessionLimits {
  /** A socket with more unsent bytes is slow. */
  maxBufferedBytes: number;
  framesPerSecond: number;
  frameBurst: number;
  /** Invalid frames, before the socket is closed. */
  maxBadFrames: number;
}

/** A slow socket with this many times `maxBufferedBytes` of further responses is terminated. */
const HARD_LIMIT_FACTOR = 8;

/** The socket as request handlers see it. */
export interface ClientSession extends Session {
  /** The owner of the conversations that this socket can reach. */
  readonly subject: string;
  /** The id of the conversation for requests that name none; created at the first call. */
  ownConversation(): string;
  hasOwnConversation(): boolean;
  /** True while a handler works on a request of this socket. Requests that a conversation has are not counted. */
  hasPendingRequests(): boolean;
}

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
  const budget = createFrameBudget(limits);
  let corked = false;
  let badFrames = 0;
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
      pendingBytes = isSlow() ? pendingBytes + frame.length : 0;
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
      if (isSlow()) wire.write(encode(frame), onFlushed);
      else wire.write(encode(frame));
    },
    isSlow,
    whenDrained(callback) {
      drained.push(callback);
      pingWhenFlushed();
    },
    closeForReconnect: () =>
      socket.close(
        closeCodes.tryLater.code,
        'retention deleted rows that this client did not have; reconnect with the cursor',
      ),
    ownConversation: () => (ownConversation ??= randomUUID()),
    hasOwnConversation: () => ownConversation !== null,
    hasPendingRequests: () => pendingRequests > 0,
  };

  const close = (reason: CloseReason, code: number, words: string) => {
    incidents.socketClosed(reason);
    socket.close(code, words);
  };

  const handleRequest = (request: Request) => {
    const handling = handle(session, request);
    if (handling === null) return;
    pendingRequests += 1;
    void handling.finally(() => (pendingRequests -= 1));
  };

  socket.on('message', (data: RawData, isBinary: boolean) => {
    // `ws` still reads after the server's close: a rejected socket must not be served.
    if (socket.readyState !== socket.OPEN) return undefined;
    if (isBinary) return close('binary_frame', closeCodes.binary.code, 'binary frame; send text frames only');
    if (!budget.take(performance.now()))
      return close('frame_rate', closeCodes.abuse.code, 'too many frames: chat.websocket.frames_per_second');
    const decoded = decode(data.toString());
    if ('request' in decoded) return handleRequest(decoded.request);
    session.send(JSON.stringify(errorFrame(decoded.requestId, decoded.fault, decoded.conversationId)));
    incidents.frameRefused(decoded.fault.code);
    badFrames += 1;
    if (badFrames > limits.maxBadFrames)
      close('bad_frames', closeCodes.abuse.code, 'too many bad frames: chat.websocket.max_bad_frames');
  });
  return session;
}

/**
 * Limits how many frames a socket may send: a token bucket. Too many frames close the socket. Bursts, such as the
 * requests after a reconnect, are allowed.
 */
interface FrameBudget {
  /** Takes the token of one frame. False if none is left. */
  take(nowMs: number): boolean;
}

/** Allows `framesPerSecond` on average and `frameBurst` at once. Both are read at each frame. */
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
