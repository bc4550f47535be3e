/** Closes sockets that have lost their authorization: a token that was removed, or now belongs to another subject. */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { Verify } from '../../auth/verifier.ts';
import { fault } from '../../errors.ts';
import { closeCodes } from '../../protocol/close-codes.ts';
import { errorFrame } from '../../protocol/frames.ts';
import { closeWithTimeout } from '../close-socket.ts';

export interface Reauthorization {
  /** Remembers a socket, until it closes, with what it was admitted for. */
  add(socket: WebSocket, credential: string | null, subject: string): void;
  /** Checks every socket again, one in each turn of the event loop. A socket whose check fails stays open. */
  checkAll(): Promise<void>;
}

export function createReauthorization(verify: Verify, onError: (error: unknown) => void): Reauthorization {
  const admitted = new Map<WebSocket, { credential: string | null; subject: string }>();
  return {
    add(socket, credential, subject) {
      admitted.set(socket, { credential, subject });
      socket.once('close', () => admitted.delete(socket));
    },
    async checkAll() {
      // A socket that is being admitted by the old tokens is among them afterwards.
      await nextTick();
      for (const [socket, { credential, subject }] of admitted) {
        await nextTick();
        if (socket.readyState !== socket.OPEN) continue;
        try {
          if ((await verify(credential)) !== subject) close(socket);
        } catch (error) {
          onError(error);
        }
      }
    },
  };
}

function close(socket: WebSocket): void {
  socket.send(
    JSON.stringify(
      errorFrame(
        null,
        fault('unauthorized', 'The token of this connection is not valid any more. Connect with a valid one.'),
      ),
    ),
  );
  closeWithTimeout(socket, closeCodes.abuse.code, 'unauthorized: the token is not valid any more');
}
