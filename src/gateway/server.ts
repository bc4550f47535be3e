/**
 * The listening side: HTTP and WebSocket upgrades on the configured address, who may connect, and
 * heartbeats. A refused socket is accepted and closed with a code, so that browsers see the reason.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { AppError } from '../errors.ts';
import type { Session } from '../outbox/topic.ts';
import { createHeartbeat } from './heartbeat.ts';
import { isAllowedOrigin, isLoopback } from './origin.ts';
import { pathOf } from './path.ts';
import { closeCodes, createSession, type SessionDeps } from './session.ts';

export interface GatewayOptions {
  /** `localhost` means 127.0.0.1 and, where there, ::1. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Path of the WebSocket endpoint. */
  endpoint: string;
  maxMessageBytes: number;
  maxConnections: number;
  allowOrigins: readonly string[];
  pingIntervalMs: number;
  pingTimeoutMs: number;
  session: SessionDeps;
  http(request: IncomingMessage, response: ServerResponse): void;
  outbox: { open(session: Session): void; close(sessionId: string): void };
  onError(error: unknown): void;
}

export interface Gateway {
  /** Where it listens, once it does. */
  readonly port: number;
  connections(): number;
  /** Closes every socket with 1012 (clients reconnect) and stops listening. */
  close(): Promise<void>;
}

/** Listens; rejects with AppError `config_invalid` when the address cannot be had. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const wss = new WebSocketServer({ noServer: true, maxPayload: options.maxMessageBytes, perMessageDeflate: false, clientTracking: true });
  const heartbeat = createHeartbeat(wss.clients, options.pingIntervalMs, options.pingTimeoutMs);
  let nextSession = 1;

  const accept = (socket: WebSocket, request: IncomingMessage) => {
    socket.on('error', () => socket.terminate());
    if (wss.clients.size > options.maxConnections) return socket.close(closeCodes.tryLater, 'too many connections');
    if (!isAllowedOrigin(request.headers.origin, request.headers.host, { allowed: options.allowOrigins, onLoopback: isLoopback(options.host) })) return socket.close(closeCodes.abuse, 'origin not allowed');
    const session = createSession(`s${nextSession++}`, socket, request.socket, options.session);
    heartbeat.watch(socket);
    options.outbox.open(session);
    socket.on('close', () => options.outbox.close(session.id));
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (pathOf(request) !== options.endpoint) {
      socket.end(`HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\nThe WebSocket endpoint is ${options.endpoint}\r\n`);
      return;
    }
    wss.handleUpgrade(request, socket, head, accept);
  };

  const servers: Server[] = [];
  /** Every connection, whatever became of it: one that never sends a request would keep its server from closing. */
  const connections = new Set<Socket>();
  const listen = async (host: string, port: number) => {
    const server = createServer(options.http);
    server.on('upgrade', onUpgrade);
    server.on('connection', (socket) => {
      connections.add(socket);
      socket.once('close', () => connections.delete(socket));
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
    async close() {
      heartbeat.stop();
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      for (const socket of wss.clients) socket.close(closeCodes.serviceRestart, 'the server is restarting');
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

function hostsOf({ host }: Pick<GatewayOptions, 'host'>): [string, string?] {
  return host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

/** How long a peer may take to answer the closing handshake. */
const CLOSE_PATIENCE_MS = 500;

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
  return new AppError('config_invalid', reasons[codeOf(error)] ?? `Cannot listen on ${host}:${port}.`, { cause: error });
}
