/**
 * Listens on the configured address: serves HTTP requests, upgrades WebSockets, and pings them. admission.ts accepts or
 * rejects each WebSocket.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { AppError, errorMessage } from '../errors.ts';
import type { Session } from '../delivery/topic.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import { createAdmission, type AdmissionOptions } from './admission/admission.ts';
import { credentialOf, selectProtocol } from './admission/credential.ts';
import { terminateAfterTimeout } from './close-socket.ts';
import { createHeartbeat } from './heartbeat.ts';
import { pathOf } from './http.ts';
import { createReauthorization } from './admission/reauthorize.ts';
import { refusals } from './admission/refusals.ts';
import { createSession, type ClientSession, type SessionDeps } from './session.ts';
import { createFrameEncoder } from './text-frame.ts';
import type { ViewerSockets } from './viewer-sockets.ts';

/** Times and sizes are read at each use, so they may change. Call `refresh` after a change. */
export interface GatewayOptions {
  /** `localhost` means 127.0.0.1 and, if the machine has IPv6, ::1. */
  host: string;
  /** 0 selects a free port. */
  port: number;
  /** Path of the WebSocket endpoint. */
  endpoint: string;
  maxMessageBytes: number;
  /** Longest time from the connection to the end of the first request's head. */
  handshakeTimeoutMs: number;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  admission: AdmissionOptions;
  session: Omit<SessionDeps, 'encode'>;
  http(request: IncomingMessage, response: ServerResponse): void;
  /** False in a drain: then no WebSocket is accepted. */
  isServing(): boolean;
  /** Sockets of inspection; null if inspection is off. Closed with the gateway. */
  viewers: ViewerSockets | null;
  delivery: { open(session: Session): void; close(sessionId: string): void };
  onError(error: unknown): void;
}

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
    // An invalid frame: `ws` has sent the close frame, and discards further data.
    socket.on('error', (error) => {
      incidents.socketClosed(TOO_LARGE.has(codeOf(error)) ? 'frame_size' : 'broken_frame');
      terminateAfterTimeout(socket);
    });
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
      },
      options.http,
    );
    server.on('upgrade', onUpgrade);
    server.on('connection', (socket) => {
      if (connections.size >= options.admission.maxConnections + SPARE_CONNECTIONS) {
        options.admission.onRefused(refusals.connections, { headers: {}, socket });
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

  const [first, second] = hostsOf(options);
  const port = await listen(first, options.port).catch((error: unknown) => {
    throw listenError(error, options);
  });
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
        socket.close(closeCodes.serviceRestart.code, RESTARTING);
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
      for (const socket of wss.clients) socket.close(closeCodes.serviceRestart.code, RESTARTING);
      const timer = setTimeout(() => connections.forEach((socket) => socket.destroy()), CLOSE_TIMEOUT_MS);
      for (const server of servers) server.closeIdleConnections();
      await Promise.all(closed);
      clearTimeout(timer);
    },
  };
}

/**
 * Checks that the server can listen on the address, and frees it again. Rejects like `openGateway`. Called before the
 * rest of the start, so that a start that must fail changes nothing.
 */
export async function checkAddress({ host, port }: Pick<GatewayOptions, 'host' | 'port'>): Promise<void> {
  const server = createServer();
  await listening(server, hostsOf({ host })[0], port).catch((error: unknown) => {
    throw listenError(error, { host, port });
  });
  await new Promise((resolve) => server.close(resolve));
}

/** Destroys the socket after the response, because no other code does, and the client may keep its end open. */
function refuseUpgrade(socket: Duplex, head: string, words: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${head}\r\nConnection: close\r\n\r\n${words}\r\n`);
}

function hostsOf({ host }: Pick<GatewayOptions, 'host'>): [string, string?] {
  return host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

/** Errors of `ws`: a frame over the limit, or in too many fragments. */
const TOO_LARGE = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
]);
const RESTARTING = 'the server is restarting; reconnect';
/** How long clients may take to answer the closing handshake when the gateway closes. */
const CLOSE_TIMEOUT_MS = 500;
/** Checks for unfinished handshakes within one handshake timeout. A handshake may exceed its timeout by one interval. */
const HANDSHAKE_CHECKS = 5;
/** The check interval is fixed, but a reload may shorten the timeout. So the interval is short in any case. */
const MAX_HANDSHAKE_CHECK_MS = 1_000;
/** Connections beyond `maxConnections`: HTTP pages, handshakes, and rejected sockets that are closing. Further connections are destroyed. */
const SPARE_CONNECTIONS = 1000;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function listenError(error: unknown, { host, port }: Pick<GatewayOptions, 'host' | 'port'>): AppError {
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} on ${host} is taken by another program. Stop that one, or choose another with --port or chat.websocket.port.`,
    EACCES: `This user may not listen on port ${port}. Choose one above 1023 with --port or chat.websocket.port.`,
    EADDRNOTAVAIL: `This machine does not have the address ${host}. Correct chat.websocket.host.`,
    ENOTFOUND: `The host name ${host} cannot be resolved. Correct chat.websocket.host.`,
  };
  return new AppError(
    'config_invalid',
    reasons[codeOf(error)] ??
      `Cannot listen on ${host}:${port}: ${errorMessage(error)}. Correct chat.websocket.host and chat.websocket.port.`,
    {
      cause: error,
    },
  );
}
