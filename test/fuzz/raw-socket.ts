/**
 * A TCP connection to the server under attack that does nothing by itself: no keep-alive, no error when it is torn.
 * Knows neither HTTP nor WebSocket.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Violation, type Trace } from './violation.ts';

/** Where the server listens. */
export interface Target {
  host: string;
  port: number;
  /** Path of the WebSocket endpoint. */
  path: string;
  /** Header line of the handshake with the credential; null for none. */
  credential: string | null;
}

export interface RawSocket {
  /** Does nothing when the socket is gone. `isTraced` false keeps the bytes out of the trace. */
  write(bytes: Buffer | string, options?: { isTraced: boolean }): void;
  /** Ends this side of the connection; the server may still send. */
  end(): void;
  /** Leaves with FIN (`closed`) or RST (`reset`). */
  drop(manner: 'closed' | 'reset'): void;
  /** Reads nothing until `resume`: the server's bytes wait here, then there. */
  pause(): void;
  resume(): void;
  /** Everything received until now. */
  received(): Buffer;
  /** Sends bytes to the listener from now on, first those that were received. */
  forwardTo(listener: (bytes: Buffer) => void): void;
  isGone(): boolean;
  /** Resolves when both sides have ended, or one has torn the connection. */
  readonly gone: Promise<void>;
  /** Throws a Violation unless the server ends the connection within the time. */
  mustEnd(withinMs: number, what: string): Promise<void>;
}

export interface DialOptions {
  /** Local address of the connection. */
  localAddress: string;
  trace: Trace;
  /** Destroys the socket when it aborts. */
  signal: AbortSignal;
}

/** Resolves when connected; rejects with a Violation when the server refuses. */
export async function dial({ host, port }: Target, { localAddress, trace, signal }: DialOptions): Promise<RawSocket> {
  const socket = connect({ host, port, localAddress, signal, noDelay: true });
  const refused = Promise.withResolvers<never>();
  socket.once('error', (error) => refused.reject(new Violation(`the server takes no connections: ${error.message}`)));
  refused.promise.catch(() => {});
  let listener: ((bytes: Buffer) => void) | null = null;
  let kept: Buffer[] = [];
  socket.on('data', (bytes) => {
    if (listener) listener(bytes);
    else kept.push(bytes);
  });
  // The caller checks how a connection ends where it matters.
  socket.on('error', () => {});
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await Promise.race([once(socket, 'connect'), refused.promise]);

  return {
    write(bytes, { isTraced } = { isTraced: true }) {
      if (isTraced) trace.sent(bytes);
      if (socket.writable) socket.write(bytes);
    },
    end: () => void socket.end(),
    drop(manner) {
      trace.sent(`(${manner})`);
      if (manner === 'reset') socket.resetAndDestroy();
      else socket.destroy();
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    received: () => Buffer.concat(kept),
    forwardTo(next) {
      listener = next;
      const earlier = Buffer.concat(kept);
      kept = [];
      if (earlier.length > 0) next(earlier);
    },
    isGone: () => socket.destroyed,
    gone,
    async mustEnd(withinMs, what) {
      await Promise.race([gone, pause(withinMs, undefined, { ref: false })]);
      if (socket.destroyed) return;
      socket.destroy();
      throw new Violation(`after ${withinMs} ms the server still holds ${what}`);
    },
  };
}
