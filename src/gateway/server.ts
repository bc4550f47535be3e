/**
 * Listens on the configured address: serves HTTP requests, upgrades WebSockets, and pings them. admission.ts accepts or
 * rejects each WebSocket.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Session } from '../delivery/topic.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import type { TokenBucketLimits } from '../scheduling/token-bucket.ts';
import { createAdmission, type AdmissionOptions } from './admission/admission.ts';
import { credentialOf, selectProtocol } from './admission/credential.ts';
import { addressOf } from './admission/client-address.ts';
import { createConnectionCounter } from './admission/connection-counter.ts';
import { closeSocket } from './close-socket.ts';
import { limitFrames } from './frame-budget.ts';
import { createHeartbeat } from './heartbeat.ts';
import { reportInvalidFrames } from './invalid-frames.ts';
import { pathOf } from './http.ts';
import { listenError, listening, listenOnFirst, type Address } from './listen.ts';
import { createReauthorization } from './admission/reauthorize.ts';
import { refusals } from './admission/refusals.ts';
import { createSession, type ClientSession, type SessionDeps } from './session.ts';
import { createFrameEncoder } from './text-frame.ts';
import type { ViewerSockets } from './viewer-sockets.ts';
import { codeOf } from '../errors.ts';

/** Times and sizes are read at each use, so they may change. Call `refresh` after a change. */
export interface GatewayOptions extends Address {
  /** Path of the WebSocket endpoint. */
  endpoint: string;
  maxMessageBytes: number;
  /** Longest time from the connection to the end of the first request's head. */
  handshakeTimeoutMs: number;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  admission: AdmissionOptions;
  session: Omit<SessionDeps, 'encode'>;
  frames: TokenBucketLimits;
  http(request: IncomingMessage, response: ServerResponse): void;
  /** False in a drain: then no WebSocket is accepted. */
  isServing(): boolean;
  /** Sockets of inspection; null if inspection is off. Closed with the gateway. */
  viewers: ViewerSockets | null;
  delivery: { open(session: Session): void; close(sessionId: string): void };
  onError(error: unknown): void;
}

/** The listening server. */
export interface Gateway {
  /** The port that it listens on. */
  readonly port: number;
  connections(): number;
  /** Closes with 1012 every socket without pending requests. `needed`: ids of sessions that stay open. */
  closeIdleSockets(needed: ReadonlySet<string>): void;
  /** Applies changed options and tokens. Closes sockets whose token is no longer valid with 1008, and no others. */
  refresh(): Promise<void>;
  /** Closes every socket with 1012 (clients reconnect) and stops listening. */
  close(): Promise<void>;
}

/** Starts to listen. Rejects with AppError `config_invalid` if it cannot listen on the address. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessageBytes,
    perMessageDeflate: false,
    // One message of a socket in each turn of the event loop: a flood of one socket delays the others by little.
    allowSynchronousEvents: false,
    clientTracking: true,
    handleProtocols: selectProtocol,
  });
  const { incidents } = options.session;
  const heartbeat = createHeartbeat(wss.clients, options, () => incidents.socketClosed('silence'));
  const reauthorization = createReauthorization(options.admission.verify, options.onError, () =>
    incidents.socketClosed('token_removed'),
  );
  const deps: SessionDeps = { ...options.session, encode: createFrameEncoder() };
  const sessions = new Map<WebSocket, ClientSession>();
  let nextSession = 1;

  const admit = createAdmission(options.admission, {
    sockets: wss.clients,
    open(socket, request, subject) {
      const session = createSession({ id: `s${nextSession++}`, subject }, socket, request.socket, deps);
      options.delivery.open(session);
      reauthorization.add(socket, credentialOf(request.headers), subject);
      sessions.set(socket, session);
      socket.on('close', () => {
        sessions.delete(socket);
        options.delivery.close(session.id);
      });
    },
  });

  const accept = (socket: WebSocket, request: IncomingMessage) => {
    reportInvalidFrames(socket, incidents);
    limitFrames(socket, request.socket, options.frames, () => incidents.socketClosed('frame_rate'));
    heartbeat.watch(socket);
    void admit(socket, request);
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    // Rejected before the upgrade: on an open socket a client would send requests, and lose those that it must not repeat.
    if (!options.isServing())
      return refuseUpgrade(
        socket,
        '503 Service Unavailable\r\nRetry-After: 1',
        'The server is restarting. Connect again in a second.',
      );
    if (options.viewers && pathOf(request) === options.viewers.path)
      return options.viewers.upgrade(request, socket, head);
    if (pathOf(request) !== options.endpoint)
      return refuseUpgrade(socket, '404 Not Found', `No WebSocket endpoint at this path. Use ${options.endpoint}.`);
    return wss.handleUpgrade(request, socket, head, accept);
  };

  const servers: Server[] = [];
  /** All TCP connections. A connection that never sends a request would keep its server from closing. */
  const connections = new Set<Socket>();
  const { admission } = options;
  const ofAddress = createConnectionCounter(
    () => Math.min(admission.maxConnections, admission.maxConnectionsPerAddress) + SPARE_CONNECTIONS_PER_ADDRESS,
  );
  /** Null, or why a TCP connection is destroyed before anything is read of it. */
  const connectionRefusal = (socket: Socket) => {
    if (connections.size >= admission.maxConnections + SPARE_CONNECTIONS) return refusals.connections;
    return ofAddress.countUntilClosed(addressOf(socket), socket) ? null : refusals.ofAddress;
  };
  const listen = async (host: string, port: number) => {
    const server = createServer(
      {
        headersTimeout: options.handshakeTimeoutMs,
        requestTimeout: options.handshakeTimeoutMs,
        connectionsCheckingInterval: Math.min(
          MAX_HANDSHAKE_CHECK_MS,
          Math.ceil(options.handshakeTimeoutMs / HANDSHAKE_CHECKS),
        ),
        // The handler responds to these: Node's own 400 has no body.
        requireHostHeader: false,
        // A client may offer another protocol, such as h2c. A server that does not know it answers as without the offer.
        shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
      },
      options.http,
    );
    server.on('upgrade', onUpgrade);
    server.on('connection', (socket) => {
      const refusal = connectionRefusal(socket);
      if (refusal) {
        admission.onRefused(refusal, { headers: {}, socket });
        return socket.destroy();
      }
      connections.add(socket);
      socket.once('close', () => connections.delete(socket));
      return undefined;
    });
    await listening(server, host, port);
    server.on('error', options.onError);
    servers.push(server);
    const address = server.address();
    return typeof address === 'object' && address ? address.port : port;
  };

  const { listened: port, second } = await listenOnFirst(options, listen);
  // Without IPv6 the server listens on IPv4 only. If another program has the IPv6 port, the port is taken.
  if (second !== undefined) {
    await listen(second, port).catch((error: unknown) => {
      if (codeOf(error) !== 'EADDRINUSE') return;
      for (const server of servers) server.close();
      throw listenError(error, options);
    });
  }

  return {
    port,
    connections: () => wss.clients.size,
    closeIdleSockets(needed) {
      for (const socket of wss.clients) {
        const session = sessions.get(socket);
        if (session && (needed.has(session.id) || session.hasPendingRequests())) continue;
        closeSocket(socket, closeCodes.serviceRestart.code, RESTARTING);
      }
    },
    async refresh() {
      heartbeat.restart();
      // `ws` reads it for each new socket.
      wss.options.maxPayload = options.maxMessageBytes;
      for (const server of servers) {
        server.headersTimeout = options.handshakeTimeoutMs;
        server.requestTimeout = options.handshakeTimeoutMs;
      }
      await Promise.all([reauthorization.checkAll(), options.viewers?.refresh()]);
    },
    async close() {
      heartbeat.stop();
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      options.viewers?.close();
      for (const socket of wss.clients) closeSocket(socket, closeCodes.serviceRestart.code, RESTARTING);
      const timer = setTimeout(() => connections.forEach((socket) => socket.destroy()), CLOSE_TIMEOUT_MS);
      for (const server of servers) server.closeIdleConnections();
      await Promise.all(closed);
      clearTimeout(timer);
    },
  };
}

/** Destroys the socket after the response, because no other code does, and the client may keep its end open. */
function refuseUpgrade(socket: Duplex, head: string, words: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${head}\r\nConnection: close\r\n\r\n${words}\r\n`);
}

const RESTARTING = 'the server is restarting; reconnect';
/** How long clients may take to answer the closing handshake when the gateway closes. */
const CLOSE_TIMEOUT_MS = 500;
/** Checks for unfinished handshakes within one handshake timeout. A handshake may exceed its timeout by one interval. */
const HANDSHAKE_CHECKS = 5;
/** The check interval is fixed, but a reload may shorten the timeout. So the interval is short in any case. */
const MAX_HANDSHAKE_CHECK_MS = 1_000;
/** Connections beyond `maxConnections`: HTTP pages, handshakes, and rejected sockets that are closing. Further connections are destroyed. */
const SPARE_CONNECTIONS = 1000;
/** The same for one address, so that one cannot take the spare connections of all. A browser opens six for pages. */
const SPARE_CONNECTIONS_PER_ADDRESS = 100;
