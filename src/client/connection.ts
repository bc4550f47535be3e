/**
 * Maintains a connection over many sockets: connects, detects a lost socket, waits, and reconnects until it is closed.
 * Sends and receives text frames without reading them. Queues nothing.
 */
import { closeCodes } from '../protocol/close-codes.ts';
import type { Backoff } from './backoff.ts';
import { clientError } from './errors.ts';
import { startHeartbeat, type Heartbeat } from './heartbeat.ts';

/** The part of a WebSocket that the client uses. Those of browsers, Node and the package `ws` fit. */
export interface SocketLike {
  send(text: string): void;
  close(): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
}

/** The constructor of browsers and of Node's `WebSocket`. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** The state of the connection. `code` is the close code of the lost socket (1006: without a close frame). */
export type ConnectionStatus =
  | { status: 'connecting' }
  | { status: 'open' }
  | { status: 'waiting'; delayMs: number; code: number; reason: string }
  | { status: 'closed'; code: number; reason: string }
  /** The client stopped after `tries` lost connections in a row. */
  | { status: 'unreachable'; tries: number; code: number; reason: string };

/** Where to connect, and how long to try. */
export interface ConnectionOptions {
  url: string;
  /** Subprotocols to offer. May be empty. */
  protocols: string[];
  WebSocket: SocketConstructor;
  backoff: Backoff;
  /** Lost connections in a row, without a frame between them, before the client stops. May be Infinity. */
  attempts: number;
  /** Timeout of the handshake. */
  handshakeMs: number;
  heartbeatMs: number;
  /** A frame that the server answers, for the heartbeat. */
  probe: string;
  onText(text: string): void;
  onStatus(status: ConnectionStatus): void;
}

/** One connection over any number of sockets. */
export interface SocketConnection {
  isOpen(): boolean;
  /** Does nothing without an open socket. */
  send(text: string): void;
  close(): void;
}

/** Close codes after which a reconnect would fail in the same way. */
const finalCodes: ReadonlySet<number> = new Set(
  Object.values(closeCodes).flatMap(({ code, comeBack }) => (comeBack === 'no' ? [code] : [])),
);
/** RFC 6455, section 7.4.1: the socket closed without a close frame. */
export const NO_CLOSE_FRAME = 1006;
/** After a restart or a crash, delays stop growing at this try (by default 0.8 to 1.6 s), for `RESTART_TRIES` tries (by default about a minute). */
const RESTART_ATTEMPT = 3;
const RESTART_TRIES = 50;
const CLOSED_BY_US = 1000;

type State =
  | { at: 'connecting'; socket: SocketLike; handshakeTimer: ReturnType<typeof setTimeout> }
  | { at: 'open'; socket: SocketLike; heartbeat: Heartbeat }
  | { at: 'waiting'; timer: ReturnType<typeof setTimeout> }
  | { at: 'closed' };

/** RFC 7230: the characters of a subprotocol, and so of a token. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Throws a ParleyError instead of the runtime's error, which may contain the token. */
function createSocket({ WebSocket, url, protocols }: ConnectionOptions): SocketLike {
  try {
    return new WebSocket(url, protocols);
  } catch {
    if (protocols.every((protocol) => token.test(protocol)))
      throw clientError(
        'invalid_options',
        `"${url}" is not a WebSocket URL. Use a URL such as ws://localhost:8000/ws/chat.`,
      );
    throw clientError(
      'invalid_options',
      "The token contains invalid characters. Allowed: letters, digits and !#$%&'*+-.^_`|~",
    );
  }
}

/** Throws a ParleyError `invalid_options` for an invalid URL or protocol. */
export function openConnection(options: ConnectionOptions): SocketConnection {
  const { backoff, onStatus } = options;
  /** Lost sockets since the last frame. A socket that opens and closes without a frame counts too. */
  let failures = 0;
  /** True if the last open socket was lost by a restart or crash, after which a server returns within seconds. */
  let isBackSoon = false;
  let state: State = { at: 'closed' };

  function connect(): void {
    const socket = createSocket(options);
    socket.addEventListener('open', () => opened(socket));
    socket.addEventListener('message', ({ data }) => received(socket, data));
    socket.addEventListener('close', ({ code, reason }) => lost(socket, code, reason));
    // `close` follows with details. Without a listener the package `ws` would throw.
    socket.addEventListener('error', () => {});
    const handshakeTimer = setTimeout(() => lost(socket, NO_CLOSE_FRAME, 'handshake timed out'), options.handshakeMs);
    state = { at: 'connecting', socket, handshakeTimer };
    onStatus({ status: 'connecting' });
  }

  /** Late events of an abandoned socket are ignored. */
  const isCurrent = (socket: SocketLike) =>
    (state.at === 'connecting' || state.at === 'open') && state.socket === socket;

  function opened(socket: SocketLike): void {
    if (!isCurrent(socket)) return;
    leaveState();
    const heartbeat = startHeartbeat({
      intervalMs: options.heartbeatMs,
      probe: () => socket.send(options.probe),
      onSilence: () => lost(socket, NO_CLOSE_FRAME, 'heartbeat timed out'),
    });
    state = { at: 'open', socket, heartbeat };
    onStatus({ status: 'open' });
  }

  function received(socket: SocketLike, data: unknown): void {
    if (!isCurrent(socket) || state.at !== 'open' || typeof data !== 'string') return;
    failures = 0;
    state.heartbeat.onFrame();
    options.onText(data);
  }

  function lost(socket: SocketLike, code: number, reason: string): void {
    if (!isCurrent(socket)) return;
    leaveState();
    if (state.at === 'open') isBackSoon = code === closeCodes.serviceRestart.code || code === NO_CLOSE_FRAME;
    // The socket may be half open. The state changes first, because some sockets emit `close` within this call.
    state = { at: 'closed' };
    socket.close();
    if (finalCodes.has(code)) {
      onStatus({ status: 'closed', code, reason });
      return;
    }
    failures += 1;
    if (failures >= options.attempts) {
      onStatus({ status: 'unreachable', tries: failures, code, reason });
      return;
    }
    const attempt = failures - 1;
    const delayMs = backoff(isBackSoon && attempt < RESTART_TRIES ? Math.min(attempt, RESTART_ATTEMPT) : attempt);
    state = { at: 'waiting', timer: setTimeout(connect, delayMs) };
    onStatus({ status: 'waiting', delayMs, code, reason });
  }

  function leaveState(): void {
    if (state.at === 'connecting') clearTimeout(state.handshakeTimer);
    else if (state.at === 'open') state.heartbeat.stop();
    else if (state.at === 'waiting') clearTimeout(state.timer);
  }

  connect();
  return {
    isOpen: () => state.at === 'open',
    send(text) {
      if (state.at === 'open') state.socket.send(text);
    },
    close() {
      if (state.at === 'closed') return;
      leaveState();
      const socket = state.at === 'waiting' ? null : state.socket;
      state = { at: 'closed' };
      socket?.close();
      onStatus({ status: 'closed', code: CLOSED_BY_US, reason: 'closed by the client' });
    },
  };
}
