/**
 * Accepts or refuses WebSocket connections of chat. A refused client gets a close code and a reason, because browsers
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
import { credentialOf } from './credential.ts';
import { closeWithTimeout } from '../close-socket.ts';
import type { ReportRefusal } from './refusal-report.ts';
import { refusals } from './refusals.ts';

/** Read for each socket. */
export interface AdmissionOptions {
  maxConnections: number;
  maxConnectionsPerAddress: number;
  maxConnectionsPerSubject: number;
  /** What a socket may send before it is known whose it is. */
  maxUnverifiedBytes: number;
  /** Null, or why a socket from there is refused whatever token it brings. */
  refusalOf(request: IncomingMessage): Refusal | null;
  onRefused: ReportRefusal;
  /** Takes bounded time. */
  verify: Verify;
  onError(error: unknown): void;
}

/** Beside the options: what only the listening side knows. */
export interface AdmissionDeps {
  /** Every socket there is, the one that asks included. */
  sockets: ReadonlySet<WebSocket>;
  /** Takes the socket over. What it sent until now is heard right after. */
  open(socket: WebSocket, request: IncomingMessage, subject: string): void;
}

/** Called once for each accepted socket; ends in `open`, or in the socket's close. */
export function createAdmission(
  options: AdmissionOptions,
  { sockets, open }: AdmissionDeps,
): (socket: WebSocket, request: IncomingMessage) => Promise<void> {
  const addresses = createConnectionCounter(() => options.maxConnectionsPerAddress);
  const subjects = createConnectionCounter(() => options.maxConnectionsPerSubject);

  return async (socket, request) => {
    const refuse = (refusal: Refusal, code: number, problem?: Fault) => {
      options.onRefused(refusal, request);
      reject(socket, code, refusal.reason, problem);
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

function reject(socket: WebSocket, code: number, reason: string, problem?: Fault): void {
  if (socket.readyState !== socket.OPEN) return;
  if (problem) socket.send(JSON.stringify(errorFrame(null, problem)));
  closeWithTimeout(socket, code, reason);
}

/**
 * Keeps what a socket sends until it is known whose it is; the function it returns lets that be heard.
 * Counted as it comes off the network, so that the parts of a frame that never ends count as well.
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

/** How many sockets each address or subject has at once, up to a limit. Keeps nothing of those that have none. */
interface ConnectionCounter {
  /** Counts a socket until it closes; false, and not counted, when there are `most` already. */
  countUntilClosed(key: string, socket: Pick<WebSocket, 'once'>): boolean;
}

/** `most` is read for each socket. */
function createConnectionCounter(most: () => number): ConnectionCounter {
  const counts = new Map<string, number>();
  const add = (key: string, change: number) => {
    const count = (counts.get(key) ?? 0) + change;
    if (count === 0) counts.delete(key);
    else counts.set(key, count);
  };
  return {
    countUntilClosed(key, socket) {
      if ((counts.get(key) ?? 0) >= most()) return false;
      add(key, 1);
      socket.once('close', () => add(key, -1));
      return true;
    },
  };
}
