/** Closes sockets whose token was removed, or now belongs to another subject. */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { Verify } from '../../auth/verifier.ts';
import { fault } from '../../errors.ts';
import { closeCodes } from '../../protocol/close-codes.ts';
import { errorFrame } from '../../protocol/frames.ts';
import { closeWithTimeout } from '../close-socket.ts';

/** The credentials of all open sockets. */
export interface Reauthorization {
  /** Stores the credential and subject of a socket until it closes. */
  add(socket: WebSocket, credential: string | null, subject: string): void;
  /** Checks every socket again, one in each turn of the event loop. A socket whose check fails stays open. */
  checkAll(): Promise<void>;
}

/** `onRemoved` is called for each socket that is closed. */
export function createReauthorization(
  verify: Verify,
  onError: (error: unknown) => void,
  onRemoved: () => void,
): Reauthorization {
  const admitted = new Map<WebSocket, { credential: string | null; subject: string }>();
  return {
    add(socket, credential, subject) {
      admitted.set(socket, { credential, subject });
      socket.once('close', () => admitted.delete(socket));
    },
    async checkAll() {
      // First waits for sockets that are being admitted by the old tokens.
      await nextTick();
      for (const [socket, { credential, subject }] of admitted) {
        await nextTick();
        if (socket.readyState !== socket.OPEN) continue;
        try {
          if ((await verify(credential)) === subject) continue;
          onRemoved();
          close(socket);
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
        fault('unauthorized', 'The token of this connection was removed or changed. Connect with a valid token.'),
      ),
    ),
  );
  closeWithTimeout(socket, closeCodes.abuse.code, 'unauthorized: the token was removed or changed');
}
