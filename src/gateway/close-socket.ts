/**
 * Closes WebSockets so that the client can read the reason. Terminating a connection while data still arrives resets
 * it, and the reset discards the close frame. So the client gets time for the closing handshake.
 */
import type { WebSocket } from 'ws';
import { closeReason } from '../refusal.ts';

/** How long the client may take to answer the closing handshake. */
const CLOSE_TIMEOUT_MS = 1000;

/** Sends the close frame. Cuts `reason` to what it holds: `ws` throws if it is longer. */
export function closeSocket(socket: Pick<WebSocket, 'close'>, code: number, reason: string): void {
  socket.close(code, closeReason(reason));
}

/** Closes the socket, and terminates it if the client does not close in time. Cuts `reason` to what a close frame holds. */
export function closeWithTimeout(
  socket: Pick<WebSocket, 'close' | 'terminate' | 'once'>,
  code: number,
  reason: string,
): void {
  closeSocket(socket, code, reason);
  terminateAfterTimeout(socket);
}

/** For a socket whose close frame is sent already. Does nothing to a socket that has closed by then. */
export function terminateAfterTimeout(socket: Pick<WebSocket, 'terminate' | 'once'>): void {
  const timer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
}
