/**
 * The listening side: HTTP and WebSocket upgrades on the configured address, and heartbeats. What may
 * come of an accepted socket is for admission.ts to say.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { AppError } from '../errors.ts';
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

/** Times and sizes are read when they are used, so they may change; `refresh` says so. */
export interface GatewayOptions {
  /** `localhost` means 127.0.0.1 and, where there, ::1. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Path of the WebSocket endpoint. */
  endpoint: string;
  maxMessageBytes: number;
  /** From the connection to the end of its first request's head. */
  handshakeTimeoutMs: number;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  admission: AdmissionOptions;
  session: Omit<SessionDeps, 'encode'>;
  http(request: IncomingMessage, response: ServerResponse): void;
  /** False in a drain: no socket is accepted then. */
  isServing(): boolean;
  /** Sockets of those who inspect; null where nobody may. Closed with the gateway. */
  viewers: ViewerSockets | null;
  delivery: { open(session: Session): void; close(sessionId: string): void };
  onError(error: unknown): void;
}

export interface Gateway {
  /** Where it listens, once it does. */
  readonly port: number;
  connections(): number;
  /** Closes with 1012 every socket that has no request under way, but those of the sessions that are still needed, by id. */
  closeIdleSockets(needed: ReadonlySet<string>): void;
  /** To be called when options or tokens have changed. Sockets whose token is not valid any more are closed with 1008; nothing else is disconnected. */
  refresh(): Promise<void>;
  /** Closes every socket with 1012 (clients reconnect) and stops listening. */
  close(): Promise<void>;
}

/** Listens; rejects with AppError `config_invalid` when the address cannot be had. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessageBytes,
    perMessageDeflate: false,
    clientTracking: true,
    handleProtocols: selectProtocol,
  });
  const heartbeat = createHeartbeat(wss.clients, options);
  const reauthorization = createReauthorization(options.admission.verify, options.onError);
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
    // Of a frame that breaks the rules: `ws` has closed with the code for it, and throws away what still comes.
    socket.on('error', () => terminateAfterTimeout(socket));
    heartbeat.watch(socket);
    void admit(socket, request);
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    // Not accepted to be closed: a client would send its requests, and lose those that it must not repeat.
    if (!options.isServing())
      return refuseUpgrade(socket, '503 Service Unavailable\r\nRetry-After: 1', 'The server is restarting.');
    if (options.viewers && pathOf(request) === options.viewers.path)
      return options.viewers.upgrade(request, socket, head);
    if (pathOf(request) !== options.endpoint)
      return refuseUpgrade(socket, '404 Not Found', `The WebSocket endpoint is ${options.endpoint}`);
    return wss.handleUpgrade(request, socket, head, accept);
  };

  const servers: Server[] = [];
  /** Every connection, whatever became of it: one that never sends a request would keep its server from closing. */
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
        // The handler answers: Node's own 400 has no words.
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
  // A machine without IPv6 is served on IPv4 alone; a foreign server there is a port that is taken.
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
      // Read by `ws` for each new socket.
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
      const patience = setTimeout(() => connections.forEach((socket) => socket.destroy()), CLOSE_PATIENCE_MS);
      for (const server of servers) server.closeIdleConnections();
      await Promise.all(closed);
      clearTimeout(patience);
    },
  };
}

/**
 * Rejects like `openGateway` when the address cannot be had, and leaves it free: asked before anything
 * else is started, so that a start which must fail touches nothing.
 */
export async function checkAddress({ host, port }: Pick<GatewayOptions, 'host' | 'port'>): Promise<void> {
  const server = createServer();
  await listening(server, hostsOf({ host })[0], port).catch((error: unknown) => {
    throw listenError(error, { host, port });
  });
  await new Promise((resolve) => server.close(resolve));
}

/** Nothing else looks after a socket that was not upgraded: one whose other end stays open would stay. */
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

const RESTARTING = 'the server is restarting';
/** How long a peer may take to answer the closing handshake. */
const CLOSE_PATIENCE_MS = 500;
/** How often unfinished handshakes are looked for, as a share of their time: one may take so much longer. */
const HANDSHAKE_CHECKS = 5;
/** Fixed for the life of a server, whose timeout may be shortened. */
const MAX_HANDSHAKE_CHECK_MS = 1_000;
/** Beside the sockets that are served: plain pages, handshakes, and sockets that are being told why they cannot stay. Beyond, a connection is dropped without a word. */
const SPARE_CONNECTIONS = 1000;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function listenError(error: unknown, { host, port }: Pick<GatewayOptions, 'host' | 'port'>): AppError {
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} on ${host} is taken by another program. Stop that one, or choose another with --port or chat.websocket.port.`,
    EACCES: `Port ${port} may not be used by this user. Choose one above 1023 with --port or chat.websocket.port.`,
    EADDRNOTAVAIL: `The address ${host} is not one of this machine's. Correct chat.websocket.host.`,
    ENOTFOUND: `The host name ${host} is not known here. Correct chat.websocket.host.`,
  };
  return new AppError('config_invalid', reasons[codeOf(error)] ?? `Cannot listen on ${host}:${port}.`, {
    cause: error,
  });
}
