/**
 * Accepts or rejects WebSocket connections of chat. A rejected client gets a close code and a reason, because browsers
 * hide the reason of a failed handshake. Its socket is terminated if it does not close in time.
 */
import type { IncomingMessage } from 'node:http';
import type { RawData, WebSocket } from 'ws';
import type { Verify } from '../../auth/verifier.ts';
import { fault } from '../../errors.ts';
import type { Fault } from '../../../machines/log.ts';
import { closeCodes } from '../../protocol/close-codes.ts';
import { errorFrame } from '../../protocol/frames.ts';
import type { Refusal } from '../../refusal.ts';
import { addressOf } from './client-address.ts';
import { createConnectionCounter } from './connection-counter.ts';
import { credentialOf } from './credential.ts';
import { closeWithTimeout } from '../close-socket.ts';
import type { ReportRefusal } from './refusal-report.ts';
import { refusals } from './refusals.ts';

/** Read for each socket. */
export interface AdmissionOptions {
  maxConnections: number;
  maxConnectionsPerAddress: number;
  maxConnectionsPerSubject: number;
  /** Bytes that a socket may send before its token is checked. */
  maxUnverifiedBytes: number;
  /** Null, or why the request is rejected regardless of its token. */
  refusalOf(request: IncomingMessage): Refusal | null;
  onRefused: ReportRefusal;
  /** Takes bounded time. */
  verify: Verify;
  onError(error: unknown): void;
}

/** The parts of the gateway that admission uses. */
export interface AdmissionDeps {
  /** All sockets, including the new one. */
  sockets: ReadonlySet<WebSocket>;
  /** Takes over an accepted socket. The frames that it sent until now are emitted after this call. */
  open(socket: WebSocket, request: IncomingMessage, subject: string): void;
}

/** Returns the function that admits one upgraded socket: it calls `open` or closes the socket. */
export function createAdmission(
  options: AdmissionOptions,
  { sockets, open }: AdmissionDeps,
): (socket: WebSocket, request: IncomingMessage) => Promise<void> {
  const addresses = createConnectionCounter(() => options.maxConnectionsPerAddress);
  const subjects = createConnectionCounter(() => options.maxConnectionsPerSubject);

  return async (socket, request) => {
    const refuse = (refusal: Refusal, code: number, error?: Fault) => {
      options.onRefused(refusal, request);
      reject(socket, code, refusal.reason, error);
    };
    if (sockets.size > options.maxConnections) return refuse(refusals.connections, closeCodes.tryLater.code);
    if (!addresses.countUntilClosed(addressOf(request.socket), socket))
      return refuse(refusals.ofAddress, closeCodes.tryLater.code);
    const refusal = options.refusalOf(request);
    if (refusal) return refuse(refusal, closeCodes.abuse.code);

    const credential = credentialOf(request.headers);
    const releaseFrames = holdFrames(socket, request.socket, options.maxUnverifiedBytes, () =>
      refuse(refusals.unverifiedBytes, closeCodes.abuse.code),
    );
    let subject: string | null;
    try {
      subject = await options.verify(credential);
    } catch (error) {
      options.onError(error);
      return refuse(refusals.unverifiable, closeCodes.tryLater.code, fault('internal', refusals.unverifiable.message));
    }
    if (socket.readyState !== socket.OPEN) return undefined;
    if (subject === null) {
      const unauthorized = credential === null ? refusals.noToken : refusals.unknownToken;
      return refuse(unauthorized, closeCodes.abuse.code, fault('unauthorized', unauthorized.message));
    }
    if (!subjects.countUntilClosed(subject, socket)) return refuse(refusals.ofSubject, closeCodes.tryLater.code);
    open(socket, request, subject);
    return releaseFrames();
  };
}

function reject(socket: WebSocket, code: number, reason: string, error?: Fault): void {
  if (socket.readyState !== socket.OPEN) return;
  if (error) socket.send(JSON.stringify(errorFrame(null, error)));
  closeWithTimeout(socket, code, reason);
}

/**
 * Holds the frames of a socket until its token is checked. Returns the function that releases them. Bytes are counted
 * as they arrive from the network, so that the fragments of an endless frame count too.
 */
function holdFrames(
  socket: WebSocket,
  wire: IncomingMessage['socket'],
  maxBytes: number,
  onTooMuch: () => void,
): () => void {
  const held: [data: RawData, isBinary: boolean][] = [];
  let bytes = 0;
  const hold = (data: RawData, isBinary: boolean) => {
    if (socket.readyState === socket.OPEN) held.push([data, isBinary]);
  };
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes || socket.readyState !== socket.OPEN) return;
    held.length = 0;
    onTooMuch();
  };
  socket.on('message', hold);
  wire.on('data', count);
  return () => {
    socket.off('message', hold);
    wire.off('data', count);
    for (const [data, isBinary] of held) socket.emit('message', data, isBinary);
  };
}
