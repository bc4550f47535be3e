/**
 * The last moment of a socket that we have closed. Its other end gets the time to read why: a connection that
 * is torn while its bytes still come in is reset, and a reset takes the close frame with it.
 */
import type { WebSocket } from 'ws';

/** How long the other end may take to answer the closing handshake. */
const PATIENCE_MS = 1000;

/** For a socket whose close frame is on its way. Harmless for one that is gone. */
export function endSoon(socket: Pick<WebSocket, 'terminate' | 'once'>): void {
  const patience = setTimeout(() => socket.terminate(), PATIENCE_MS);
  socket.once('close', () => clearTimeout(patience));
}
