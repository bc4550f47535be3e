/**
 * Sends the HTTP requests to MCP servers and their authorization servers through the proxies of the environment. Without a
 * proxy the built-in `fetch` is used.
 */
import { Readable } from 'node:stream';
import { createTransport, type Fetch, type TransportOptions } from '../llm/stream/transport.ts';
import { isLoopbackName } from '../loopback.ts';

/** As Node's agents read them. */
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'];
/** The standard for fetch allows 20. A server needs one, for a slash at the end or for https. */
const MAX_REDIRECTS = 5;
/** Credentials do not follow a redirect to another origin, as in `fetch`. */
const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization'];

/** Never uses a proxy for this machine, or for a host of NO_PROXY. */
export function createProxiedFetch(options: TransportOptions): Fetch {
  if (PROXIES.every((name) => !options.env[name])) return fetch;
  const transport = createTransport(options);

  const send: Fetch = async (url, init) => {
    const response = await transport.fetch(url, init);
    const body = transport.bodyOf?.(response) ?? null;
    if (body === null) return response;
    const { status, headers } = response;
    return new Response(Readable.toWeb(body), { status, headers });
  };

  return async (input, init = {}) => {
    const first = new URL(input instanceof Request ? input.url : input);
    if (isLoopbackName(first.hostname)) return fetch(input, init);
    let url = first;
    let request = { ...init, ...(init.body === undefined ? {} : { body: bodyOf(init.body) }) };
    for (let redirects = 0; ; redirects += 1) {
      const response = await send(url, request);
      const location = response.headers.get('location');
      if (init.redirect === 'manual' || location === null || response.status < 300 || response.status >= 400)
        return response;
      if (redirects === MAX_REDIRECTS) throw new TypeError('fetch failed: too many redirects');
      const next = new URL(location, url);
      request = redirected(request, response.status, next.origin !== url.origin);
      url = next;
    }
  };
}

/** Bodies of MCP and OAuth requests are texts and forms. */
function bodyOf(body: RequestInit['body']): string | null {
  return body === null || body === undefined ? null : String(body);
}

/** The request that follows a redirect, by the standard for fetch. */
function redirected(request: RequestInit, status: number, leavesOrigin: boolean): RequestInit {
  const headers = new Headers(request.headers);
  if (leavesOrigin) for (const name of CREDENTIALS) headers.delete(name);
  const becomesGet = status === 303 || ((status === 301 || status === 302) && request.method === 'POST');
  if (!becomesGet) return { ...request, headers };
  for (const name of ['content-type', 'content-length']) headers.delete(name);
  return { ...request, method: 'GET', body: null, headers };
}
