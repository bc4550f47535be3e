/**
 * Receives OAuth redirects on this machine's loopback. The HTTP server starts with the first authorization. A sign-in
 * begins at a page of this server, which sets a cookie and leads to the authorization server. A redirect is assigned to its
 * attempt by `state`, and accepted once, from a browser with this cookie: otherwise an attacker could send a person a
 * redirect with the code of the attacker's account (RFC 9700, section 4.7).
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';

/** The HTTP server of all sign-ins. */
export interface CallbackServer {
  /** Resolves with the redirect URL once the server listens. Rejects if the port is taken. */
  open(): Promise<string>;
  /**
   * Calls `showUrl` with the page at which a person begins, which leads to `address`. Resolves with the query parameters of
   * the redirect with this `state`. Rejects on abort. Call it after `open`.
   */
  waitForRedirect(sign: SignIn, showUrl: (url: string) => void, signal: AbortSignal): Promise<URLSearchParams>;
  close(): Promise<void>;
}

/** One sign-in that a person has to finish. */
export interface SignIn {
  state: string;
  /** The page of the authorization server. */
  address: string;
  /** The redirect URL, as `open` returned it. */
  redirectUrl: string;
}

interface Waiting {
  address: string;
  cookie: { name: string; value: string; attributes: string };
  take(params: URLSearchParams): void;
}

/** Where it listens. */
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

/** Creates it without listening. */
export function createCallbackServer({ port, publicUrl }: CallbackServerOptions): CallbackServer {
  /** By `state`. */
  const waiting = new Map<string, Waiting>();
  /** The states by the secret of their start page. */
  const starts = new Map<string, string>();
  let opening: Promise<Server> | null = null;

  const listen = async () => {
    const server = createServer((request, response) => {
      const params = URL.parse(request.url ?? '', `http://${LOOPBACK}`)?.searchParams ?? new URLSearchParams();
      const start = params.get('start');
      const state = start === null ? params.get('state') : starts.get(start);
      const found = request.method === 'GET' ? waiting.get(state ?? '') : undefined;
      response.setHeader('content-type', 'text/plain; charset=utf-8');
      response.setHeader('cache-control', 'no-store');
      response.setHeader('connection', 'close');
      response.setHeader('referrer-policy', 'no-referrer');
      if (found === undefined)
        return void response
          .writeHead(404)
          .end(
            'This sign-in link is not valid any more (already used or expired). If access is still needed, Parley shows a new link.\n',
          );
      const { name, value, attributes } = found.cookie;
      if (start !== null)
        return void response
          .writeHead(302, { location: found.address, 'set-cookie': `${name}=${value}; ${attributes}` })
          .end();
      if (!hasCookie(request.headers.cookie, name, value))
        return void response
          .writeHead(403)
          .end(
            'This sign-in began in another browser. Open the sign-in link of Parley in this browser, with cookies.\n',
          );
      response.end('Parley has received the sign-in. You can close this page.\n');
      return found.take(params);
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
    waitForRedirect: ({ state, address, redirectUrl }, showUrl, signal) =>
      new Promise((resolve, reject) => {
        const startPage = new URL(redirectUrl);
        const start = secret();
        startPage.searchParams.set('start', start);
        const leave = () => {
          waiting.delete(state);
          starts.delete(start);
          signal.removeEventListener('abort', abort);
        };
        const abort = () => {
          leave();
          reject(new Error('the authorization was aborted'));
        };
        signal.addEventListener('abort', abort);
        starts.set(start, state);
        waiting.set(state, {
          address,
          cookie: {
            // Sign-ins at several servers may run in one browser.
            name: `parley_sign_in_${hash('sha256', state).slice(0, 12)}`,
            value: secret(),
            attributes: `HttpOnly; SameSite=Lax; Path=${startPage.pathname}${startPage.protocol === 'https:' ? '; Secure' : ''}`,
          },
          take(params) {
            leave();
            resolve(params);
          },
        });
        if (signal.aborted) abort();
        else showUrl(startPage.href);
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

function secret(): string {
  return randomBytes(32).toString('base64url');
}

function hasCookie(header: string | undefined, name: string, value: string): boolean {
  return (header ?? '').split(';').some((each) => {
    const given = Buffer.from(each.trim());
    const wanted = Buffer.from(`${name}=${value}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}
