/**
 * Where browsers come back to after somebody has authorized Parley: a small page on this machine's loopback,
 * which listens from the first authorization on. It knows answers by their `state` alone, takes each once, and
 * leaves judging them to whoever waits.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

export interface CallbackServer {
  /** Resolves with the address for browsers, once it can be reached. Rejects when the port cannot be had. */
  open(): Promise<string>;
  /** Resolves with what the browser brings for this `state`; rejects when `signal` aborts. */
  waitForRedirect(state: string, signal: AbortSignal): Promise<URLSearchParams>;
  close(): Promise<void>;
}

export interface CallbackServerOptions {
  /** 0 for any free one. */
  port: number;
  /** The address to tell authorization servers, where a proxy leads from it to the port; null for the port itself. */
  publicUrl: string | null;
}

const LOOPBACK = '127.0.0.1';
const PATH = '/oauth/callback';
/** A browser needs one. */
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
            'Parley waits for no such answer: it came already, or too late. Parley gives a new address when it is still needed.\n',
          );
      response.end('Parley has got the answer. You can close this page.\n');
      take(params);
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.listen(port, LOOPBACK);
    await once(server, 'listening');
    server.unref();
    return server;
  };

  return {
    async open() {
      opening ??= listen().catch((error: unknown) => {
        // Whoever holds the port may leave it.
        opening = null;
        throw new Error(`the callback port ${port} cannot be had (mcp.authorization.callback_port)`, { cause: error });
      });
      const address = (await opening).address();
      const actualPort = typeof address === 'object' && address !== null ? address.port : port;
      return publicUrl ?? `http://${LOOPBACK}:${actualPort}${PATH}`;
    },
    waitForRedirect: (state, signal) =>
      new Promise((resolve, reject) => {
        const leave = () => {
          waiting.delete(state);
          signal.removeEventListener('abort', give);
        };
        const give = () => {
          leave();
          reject(new Error('nobody waits for the answer any more'));
        };
        signal.addEventListener('abort', give);
        waiting.set(state, (params) => {
          leave();
          resolve(params);
        });
        if (signal.aborted) give();
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
