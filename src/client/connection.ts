/**
 * One lasting connection made of many sockets: dials, notices when a socket is gone, waits and dials
 * again until it is closed for good. Knows text frames, not what is in them; queues nothing.
 */
import { closeCodes } from '../protocol/close-codes.ts';
import type { Backoff } from './backoff.ts';
import { clientError } from './errors.ts';
import { startHeartbeat, type Heartbeat } from './heartbeat.ts';

/** What a client uses of a WebSocket; browsers', Node's and those of the package `ws` fit. */
export interface SocketLike {
  send(text: string): void;
  close(): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
}

export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** The state of the connection. `code` is the close code of the socket that went (1006: without a word). */
export type ConnectionStatus =
  | { status: 'connecting' }
  | { status: 'open' }
  | { status: 'waiting'; delayMs: number; code: number; reason: string }
  | { status: 'closed'; code: number; reason: string }
  /** Given up after `tries` connections were lost in a row. */
  | { status: 'unreachable'; tries: number; code: number; reason: string };

export interface ConnectionOptions {
  url: string;
  /** Subprotocols that are offered; may be none. */
  protocols: string[];
  WebSocket: SocketConstructor;
  backoff: Backoff;
  /** Connections lost in a row, without a frame in between, after which it is given up; may be Infinity. */
  attempts: number;
  /** Longest wait for a handshake. */
  handshakeMs: number;
  heartbeatMs: number;
  /** A frame that the server answers and that means nothing. */
  probe: string;
  onText(text: string): void;
  onStatus(status: ConnectionStatus): void;
}

export interface SocketConnection {
  isOpen(): boolean;
  /** Does nothing without an open socket. */
  send(text: string): void;
  close(): void;
}

/** The same client would be closed with the same code again. */
const finalCodes: ReadonlySet<number> = new Set(
  Object.values(closeCodes).flatMap(({ code, comeBack }) => (comeBack === 'no' ? [code] : [])),
);
/** RFC 6455, section 7.4.1: the socket closed without a close frame. */
export const NO_CLOSE_FRAME = 1006;
/** While a server restarts, or a new one follows a crash, delays grow no further than this try's (by default 0.8 to 1.6 s), for so many tries (by default about a minute). */
const RESTART_ATTEMPT = 3;
const RESTART_TRIES = 50;
const CLOSED_BY_US = 1000;

type State =
  | { at: 'connecting'; socket: SocketLike; handshakeTimer: ReturnType<typeof setTimeout> }
  | { at: 'open'; socket: SocketLike; heartbeat: Heartbeat }
  | { at: 'waiting'; timer: ReturnType<typeof setTimeout> }
  | { at: 'closed' };

/** RFC 7230: what a subprotocol, and so a token, may be made of. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Throws a ParleyError in place of the runtime's own error, whose words differ and may hold the token. */
function createSocket({ WebSocket, url, protocols }: ConnectionOptions): SocketLike {
  try {
    return new WebSocket(url, protocols);
  } catch {
    if (protocols.every((protocol) => token.test(protocol)))
      throw clientError(
        'invalid_options',
        `"${url}" is not the address of a WebSocket. Write one such as ws://localhost:8000/ws/chat.`,
      );
    throw clientError(
      'invalid_options',
      "The token cannot be sent: it may hold only letters, digits and !#$%&'*+-.^_`|~",
    );
  }
}

/** Throws a ParleyError `invalid_options` for an address that is none, and for protocols that cannot be sent. */
export function openConnection(options: ConnectionOptions): SocketConnection {
  const { backoff, onStatus } = options;
  /** Sockets that went since the last frame came: one that opens and is closed at once has not helped. */
  let failures = 0;
  /** Whether the last socket that was open went in a way after which a server is back within seconds. */
  let isBackSoon = false;
  let state: State = { at: 'closed' };

  function dial(): void {
    const socket = createSocket(options);
    socket.addEventListener('open', () => opened(socket));
    socket.addEventListener('message', ({ data }) => received(socket, data));
    socket.addEventListener('close', ({ code, reason }) => gone(socket, code, reason));
    // `close` follows and says more; without a listener the package `ws` would throw.
    socket.addEventListener('error', () => {});
    const handshakeTimer = setTimeout(() => gone(socket, NO_CLOSE_FRAME, 'no handshake in time'), options.handshakeMs);
    state = { at: 'connecting', socket, handshakeTimer };
    onStatus({ status: 'connecting' });
  }

  /** Events of a socket that was given up come late and mean nothing. */
  const isCurrent = (socket: SocketLike) =>
    (state.at === 'connecting' || state.at === 'open') && state.socket === socket;

  function opened(socket: SocketLike): void {
    if (!isCurrent(socket)) return;
    leaveState();
    const heartbeat = startHeartbeat({
      intervalMs: options.heartbeatMs,
      probe: () => socket.send(options.probe),
      onSilence: () => gone(socket, NO_CLOSE_FRAME, 'the server fell silent'),
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

  function gone(socket: SocketLike, code: number, reason: string): void {
    if (!isCurrent(socket)) return;
    leaveState();
    if (state.at === 'open') isBackSoon = code === closeCodes.serviceRestart.code || code === NO_CLOSE_FRAME;
    // It may be half open. Given up before it is closed: some sockets tell their close at once, in this very call.
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
    state = { at: 'waiting', timer: setTimeout(dial, delayMs) };
    onStatus({ status: 'waiting', delayMs, code, reason });
  }

  function leaveState(): void {
    if (state.at === 'connecting') clearTimeout(state.handshakeTimer);
    else if (state.at === 'open') state.heartbeat.stop();
    else if (state.at === 'waiting') clearTimeout(state.timer);
  }

  dial();
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
