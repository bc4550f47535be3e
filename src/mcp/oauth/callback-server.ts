/**
 * Receives OAuth redirects on this machine's loopback. The HTTP server starts with the first authorization. It assigns
 * a redirect to its attempt by `state` alone, accepts each once, and does not interpret the other parameters.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';

export interface CallbackServer {
  /** Resolves with the redirect URL once the server listens. Rejects if the port is taken. */
  open(): Promise<string>;
  /** Resolves with the query parameters of the redirect with this `state`. Rejects on abort. */
  waitForRedirect(state: string, signal: AbortSignal): Promise<URLSearchParams>;
  close(): Promise<void>;
}

export interface CallbackServerOptions {
  /** 0 for any free port. */
  port: number;
  /** The redirect URL, if a proxy forwards it to the port. Null for the port itself. */
  publicUrl: string | null;
}

const LOOPBACK = '127.0.0.1';
const PATH = '/oauth/callback';
/** A browser needs one connection. A further one closes the oldest. */
const MAX_CONNECTIONS = 32;

export function createCallbackServer({ port, publicUrl }: CallbackServerOptions): CallbackServer {
  const waiting = new Map<string, (params: URLSearchParams) => void>();
  let opening: Promise<Server> | null = null;

  const listen = async () => {
    const server = createServer((request, response) => {
      const params = URL.parse(request.url ?? '', `http://${LOOPBACK}`)?.searchParams ?? new URLSearchParams();
      const take = request.method === 'GET' ? waiting.get(params.get('state') ?? '') : undefined;
      response.setHeader('content-type', 'text/plain; charset=utf-8');
      response.setHeader('cache-control', 'no-store');
      response.setHeader('connection', 'close');
      if (take === undefined)
        return void response
          .writeHead(404)
          .end(
            'This sign-in link is not valid any more (already used or expired). If access is still needed, Parley shows a new link.\n',
          );
      response.end('Parley has received the sign-in. You can close this page.\n');
      take(params);
    });
    const open = new Set<Socket>();
    server.on('connection', (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      const [oldest] = open;
      // Idle connections must not keep the browser out. Its own request follows its connection at once.
      if (open.size > MAX_CONNECTIONS) oldest?.destroy();
    });
    server.listen(port, LOOPBACK);
    await once(server, 'listening');
    server.unref();
    return server;
  };

  return {
    async open() {
      opening ??= listen().catch((error: unknown) => {
        // The other program may release the port: the next call tries again.
        opening = null;
        throw new Error(
          `port ${port} for the OAuth callback is not available; choose another with mcp.authorization.callback_port`,
          { cause: error },
        );
      });
      const address = (await opening).address();
      const actualPort = typeof address === 'object' && address !== null ? address.port : port;
      return publicUrl ?? `http://${LOOPBACK}:${actualPort}${PATH}`;
    },
    waitForRedirect: (state, signal) =>
      new Promise((resolve, reject) => {
        const leave = () => {
          waiting.delete(state);
          signal.removeEventListener('abort', abort);
        };
        const abort = () => {
          leave();
          reject(new Error('the authorization was aborted'));
        };
        signal.addEventListener('abort', abort);
        waiting.set(state, (params) => {
          leave();
          resolve(params);
        });
        if (signal.aborted) abort();
      }),
    async close() {
      const server = await opening?.catch(() => null);
      if (!server?.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
