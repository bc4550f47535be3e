/**
 * Serves the WebSockets of inspection. Each frame to a viewer is one message of live inspection, and nothing else, so
 * that every receiver of `@statelyai/inspect` can use them. Frames from a viewer are ignored.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTick } from 'node:timers/promises';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ConversationRef } from '../conversation-ref.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import type { Refusal } from '../refusal.ts';
import { credentialOf, selectProtocol } from './admission/credential.ts';
import { closeSocket, closeWithTimeout, terminateAfterTimeout } from './close-socket.ts';
import { limitFrames, type FrameLimits } from './frame-budget.ts';
import { createHeartbeat } from './heartbeat.ts';
import type { ReportRefusal } from './admission/refusal-report.ts';
import { refusals } from './admission/refusals.ts';

/** Receives the messages about one conversation for one viewer. */
export interface EventSink {
  send(text: string): void;
  isSlow(): boolean;
  closeForReconnect(): void;
}

/** Numbers are read at each use. */
export interface ViewerSocketOptions {
  /** Path of the WebSocket. Its query: `conversation=ID`, and `owner=SUBJECT` for a conversation of another subject. */
  path: string;
  maxViewers: number;
  /** Unsent bytes before a slow viewer is disconnected. More than the stored messages that a new viewer gets. */
  maxBufferedBytes: number;
  frames: FrameLimits;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  /** Null, or why the requesting page may not use inspection. */
  refusalOf(request: IncomingMessage): Refusal | null;
  authorize(request: IncomingMessage, credential: string | null): Promise<{ subject: string } | { refusal: Refusal }>;
  onRefused: ReportRefusal;
  /** A socket was closed for too many frames. */
  onFrameRate(): void;
  /** False if too many conversations are watched. */
  watch(ref: ConversationRef, sink: EventSink): boolean;
  unwatch(ref: ConversationRef, sink: EventSink): void;
  onError(error: unknown): void;
}

/** The sockets of all viewers. */
export interface ViewerSockets {
  readonly path: string;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Applies changed options, viewers and tokens. Closes sockets whose viewer may no longer watch with 1008. */
  refresh(): Promise<void>;
  /** Closes every socket with 1012. */
  close(): void;
}

/** Frames of a viewer are ignored, so they can be short. */
const MAX_FRAME_BYTES = 1024;

/** Creates the endpoint without a port: the gateway hands upgrades over to it. */
export function createViewerSockets(options: ViewerSocketOptions): ViewerSockets {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
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
    const viewer = await options.authorize(request, credentialOf(request.headers));
    if (socket.readyState !== socket.OPEN) return undefined;
    if ('refusal' in viewer) return refuse(viewer.refusal, closeCodes.abuse.code);
    const query = new URLSearchParams(request.url?.split('?', 2)[1]);
    const conversationId = query.get('conversation');
    if (!conversationId)
      return closeWithTimeout(socket, closeCodes.abuse.code, 'no conversation in the URL; add ?conversation=ID');
    const ref = { owner: query.get('owner') ?? viewer.subject, conversationId };
    const sink: EventSink = {
      send: (text) => socket.send(text),
      isSlow: () => socket.bufferedAmount > options.maxBufferedBytes,
      closeForReconnect: () =>
        closeWithTimeout(socket, closeCodes.tryLater.code, 'the viewer reads too slowly; reconnect'),
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
        limitFrames(socket, request.socket, options.frames, options.onFrameRate);
        heartbeat.watch(socket);
        admit(socket, request).catch((error: unknown) => {
          options.onError(error);
          closeWithTimeout(socket, closeCodes.tryLater.code, 'the viewer could not be checked; reconnect later');
        });
      });
    },
    async refresh() {
      heartbeat.restart();
      // First waits for sockets that are being admitted by the old rules.
      await nextTick();
      for (const [socket, request] of admitted) {
        const viewer = await options.authorize(request, credentialOf(request.headers)).catch(options.onError);
        if (viewer && 'refusal' in viewer) closeWithTimeout(socket, closeCodes.abuse.code, viewer.refusal.reason);
      }
    },
    close() {
      heartbeat.stop();
      for (const socket of wss.clients)
        closeSocket(socket, closeCodes.serviceRestart.code, 'the server is restarting; reconnect');
    },
  };
}
