/**
 * The sockets of those who inspect: one way, from the server to a viewer, one message of live inspection a frame
 * and nothing else, so that any receiver of `@statelyai/inspect` can be pointed at them. What a viewer sends is
 * not heard. Who may watch, and what is told, is for others to say.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTick } from 'node:timers/promises';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ConversationRef } from '../conversation-ref.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import type { Refusal } from '../refusal.ts';
import { credentialOf, selectProtocol } from './admission/credential.ts';
import { closeWithTimeout, terminateAfterTimeout } from './close-socket.ts';
import { createHeartbeat } from './heartbeat.ts';
import type { ReportRefusal } from './admission/refusal-report.ts';
import { refusals } from './admission/refusals.ts';

/** What is told of one conversation to one viewer. */
export interface EventSink {
  send(text: string): void;
  isSlow(): boolean;
  closeForReconnect(): void;
}

/** Numbers are read when they are used. */
export interface ViewerSocketOptions {
  /** Path of the WebSocket; `?conversation=ID`, and `&owner=SUBJECT` for somebody else's. */
  path: string;
  maxViewers: number;
  /** What may wait for one viewer before it is sent away: more than all that is kept for it when it comes. */
  maxBufferedBytes: number;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  /** Null, or why the page that asks may not use inspection. */
  refusalOf(request: IncomingMessage): Refusal | null;
  authorize(request: IncomingMessage, credential: string | null): Promise<{ subject: string } | { refusal: Refusal }>;
  onRefused: ReportRefusal;
  /** False when too many conversations are watched already. */
  watch(ref: ConversationRef, sink: EventSink): boolean;
  unwatch(ref: ConversationRef, sink: EventSink): void;
  onError(error: unknown): void;
}

export interface ViewerSockets {
  readonly path: string;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** To be called when options, viewers or tokens have changed: closes the sockets of those who may not watch any more with 1008. */
  refresh(): Promise<void>;
  /** Closes every socket with 1012. */
  close(): void;
}

/** Nothing that a viewer could say is longer. */
const MAX_HEARD_BYTES = 1024;

export function createViewerSockets(options: ViewerSocketOptions): ViewerSockets {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_HEARD_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
    handleProtocols: selectProtocol,
  });
  const heartbeat = createHeartbeat(wss.clients, options);
  const admitted = new Map<WebSocket, IncomingMessage>();

  const admit = async (socket: WebSocket, request: IncomingMessage) => {
    const refuse = (refusal: Refusal, code: number) => {
      options.onRefused(refusal, request);
      closeWithTimeout(socket, code, refusal.reason);
    };
    if (wss.clients.size > options.maxViewers) return refuse(refusals.viewers, closeCodes.tryLater.code);
    const refusal = options.refusalOf(request);
    if (refusal) return refuse(refusal, closeCodes.abuse.code);
    const visitor = await options.authorize(request, credentialOf(request.headers));
    if (socket.readyState !== socket.OPEN) return undefined;
    if ('refusal' in visitor) return refuse(visitor.refusal, closeCodes.abuse.code);
    const query = new URLSearchParams(request.url?.split('?', 2)[1]);
    const conversationId = query.get('conversation');
    if (!conversationId) return closeWithTimeout(socket, closeCodes.abuse.code, 'say which: ?conversation=ID');
    const ref = { owner: query.get('owner') ?? visitor.subject, conversationId };
    const sink: EventSink = {
      send: (text) => socket.send(text),
      isSlow: () => socket.bufferedAmount > options.maxBufferedBytes,
      closeForReconnect: () => closeWithTimeout(socket, closeCodes.tryLater.code, 'read too slowly; come back'),
    };
    if (!options.watch(ref, sink)) return refuse(refusals.inspected, closeCodes.tryLater.code);
    admitted.set(socket, request);
    socket.once('close', () => {
      admitted.delete(socket);
      options.unwatch(ref, sink);
    });
    return undefined;
  };

  return {
    path: options.path,
    upgrade(request, duplex, head) {
      wss.handleUpgrade(request, duplex, head, (socket) => {
        socket.on('error', () => terminateAfterTimeout(socket));
        heartbeat.watch(socket);
        admit(socket, request).catch((error: unknown) => {
          options.onError(error);
          closeWithTimeout(socket, closeCodes.tryLater.code, 'this could not be checked; come again');
        });
      });
    },
    async refresh() {
      heartbeat.restart();
      // A socket that is being admitted by the old rules is among them afterwards.
      await nextTick();
      for (const [socket, request] of admitted) {
        const visitor = await options.authorize(request, credentialOf(request.headers)).catch(options.onError);
        if (visitor && 'refusal' in visitor) closeWithTimeout(socket, closeCodes.abuse.code, visitor.refusal.reason);
      }
    },
    close() {
      heartbeat.stop();
      for (const socket of wss.clients) socket.close(closeCodes.serviceRestart.code, 'the server is restarting');
    },
  };
}
