/**
 * A TCP connection to the server under attack that does what it is told and nothing by itself: no
 * keep-alive, no complaint when it is torn. Knows neither HTTP nor WebSocket.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Violation, type Trace } from './violation.ts';

/** Where the server listens. */
export interface Target {
  host: string;
  port: number;
  /** Of the WebSocket endpoint. */
  path: string;
  /** A header line of the handshake that says who comes; null for none. */
  credential: string | null;
}

export interface RawSocket {
  /** Nothing happens when it is gone. What goes without saying is not traced. */
  write(bytes: Buffer | string, options?: { isTraced: boolean }): void;
  /** Half of an end: nothing more comes from here, and the server may still client. */
  end(): void;
  /** Leaves without a goodbye (FIN), or with a slap (RST). */
  drop(manner: 'closed' | 'reset'): void;
  /** Reads nothing until `resume`: the server's bytes wait, first here, then there. */
  pause(): void;
  resume(): void;
  /** Everything it got until now. */
  received(): Buffer;
  /** From now on bytes go there instead, first those that were received. */
  forwardTo(listener: (bytes: Buffer) => void): void;
  isGone(): boolean;
  /** Resolves when both sides have ended, or one has torn it. */
  readonly gone: Promise<void>;
  /** Fails unless the server ends the connection within the time. */
  mustEnd(withinMs: number, what: string): Promise<void>;
}

export interface DialOptions {
  /** Where it comes from: an address of this machine. */
  localAddress: string;
  trace: Trace;
  /** Destroys the socket when it aborts. */
  signal: AbortSignal;
}

/** Resolves when connected; rejects with a Violation when nobody takes the connection. */
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
  // How a connection ends is looked at where it matters.
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
