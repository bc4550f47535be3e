/**
 * Who gets in: what stands between an accepted socket and a session. Whoever is turned away is told why
 * by a close code, because browsers hide the reason of a refused handshake, and does not stay for long.
 */
import type { IncomingMessage } from 'node:http';
import type { RawData, WebSocket } from 'ws';
import type { Verify } from '../auth/verifier.ts';
import { fault } from '../errors.ts';
import type { Fault } from '../../machines/log.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import { errorFrame } from '../protocol/frames.ts';
import { addressOf } from './client-address.ts';
import { credentialOf, HOW_TO_SEND } from './credential.ts';
import { endSoon } from './farewell.ts';
import { isAllowedOrigin } from './origin.ts';
import { createTally } from './tally.ts';

export interface AdmissionOptions {
  maxConnections: number;
  maxConnectionsPerAddress: number;
  maxConnectionsPerSubject: number;
  /** What a socket may send before it is known whose it is. */
  maxUnverifiedBytes: number;
  allowOrigins: readonly string[];
  /** Takes bounded time. */
  verify: Verify;
  onError(error: unknown): void;
}

/** Beside the options: what only the listening side knows. */
export interface Entrance {
  /** Every socket there is, the one that asks included. */
  sockets: ReadonlySet<WebSocket>;
  onLoopback: boolean;
  /** Takes the socket over. What it sent until now is heard right after. */
  open(socket: WebSocket, request: IncomingMessage, subject: string): void;
}

/** Called once for each accepted socket; ends in `open`, or in the socket's close. */
export function createAdmission(options: AdmissionOptions, { sockets, onLoopback, open }: Entrance): (socket: WebSocket, request: IncomingMessage) => Promise<void> {
  const addresses = createTally(options.maxConnectionsPerAddress);
  const subjects = createTally(options.maxConnectionsPerSubject);

  return async (socket, request) => {
    const { origin, host } = request.headers;
    if (sockets.size > options.maxConnections) return turnAway(socket, closeCodes.tryLater.code, 'too many connections');
    if (!addresses.enter(addressOf(request.socket), socket)) return turnAway(socket, closeCodes.tryLater.code, 'too many connections from this address');
    if (!isAllowedOrigin(origin, host, { allowed: options.allowOrigins, onLoopback })) return turnAway(socket, closeCodes.abuse.code, 'origin not allowed');

    const credential = credentialOf(request.headers);
    const hearNow = holdFrames(socket, request.socket, options.maxUnverifiedBytes);
    let subject: string | null;
    try {
      subject = await options.verify(credential);
    } catch (error) {
      options.onError(error);
      return turnAway(socket, closeCodes.tryLater.code, 'the token could not be checked', fault('internal', 'The token could not be checked. Connect again shortly.'));
    }
    if (socket.readyState !== socket.OPEN) return undefined;
    if (subject === null) return turnAway(socket, closeCodes.abuse.code, ...unauthorized(credential));
    if (!subjects.enter(subject, socket)) return turnAway(socket, closeCodes.tryLater.code, 'too many connections of this subject');
    open(socket, request, subject);
    return hearNow();
  };
}

function unauthorized(credential: string | null): [reason: string, problem: Fault] {
  return credential === null
    ? ['unauthorized: send a token in Authorization or as a subprotocol', fault('unauthorized', `This server asks for a token. ${HOW_TO_SEND}`)]
    : ['unauthorized: send a token that is known here', fault('unauthorized', 'The token is not known here. Ask whoever runs this server for one that is.')];
}

function turnAway(socket: WebSocket, code: number, reason: string, problem?: Fault): void {
  if (socket.readyState !== socket.OPEN) return;
  if (problem) socket.send(JSON.stringify(errorFrame(null, problem)));
  socket.close(code, reason);
  endSoon(socket);
}

/**
 * Keeps what a socket sends until it is known whose it is; the function it returns lets that be heard.
 * Counted as it comes off the network, so that the parts of a frame that never ends count as well.
 */
function holdFrames(socket: WebSocket, wire: IncomingMessage['socket'], maxBytes: number): () => void {
  const held: [data: RawData, isBinary: boolean][] = [];
  let bytes = 0;
  const hold = (data: RawData, isBinary: boolean) => {
    if (socket.readyState === socket.OPEN) held.push([data, isBinary]);
  };
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) return;
    held.length = 0;
    turnAway(socket, closeCodes.abuse.code, 'too much was sent before the token was checked');
  };
  socket.on('message', hold);
  wire.on('data', count);
  return () => {
    socket.off('message', hold);
    wire.off('data', count);
    for (const [data, isBinary] of held) socket.emit('message', data, isBinary);
  };
}
