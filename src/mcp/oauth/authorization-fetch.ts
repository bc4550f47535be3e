/**
 * Fetch for OAuth authorization servers. Their URLs come from an untrusted MCP server, so it blocks private addresses
 * (SSRF) and limits time and response size.
 */
import type { FetchLike } from '@modelcontextprotocol/client';
import { isLoopback } from '../../loopback.ts';
import { bounded } from '../transport/bounded-response.ts';

/** The server, and the limits of a response. */
export interface AuthorizationFetchOptions {
  /** URL of the MCP server. */
  serverUrl: string;
  /** For one response, in ms and bytes; read for each request. */
  limits: { readonly requestTimeoutMs: number; readonly maxMessageBytes: number };
}

/**
 * Rejects an address without https, unless it has the MCP server's origin or both are on this machine's loopback. Does
 * not follow redirects: they could lead anywhere and would take secrets along.
 */
export function createAuthorizationFetch({ serverUrl, limits }: AuthorizationFetchOptions): FetchLike {
  const server = new URL(serverUrl);

  return async (url, init) => {
    const { protocol, hostname, origin } = new URL(url);
    const isAllowed =
      protocol === 'https:' || origin === server.origin || (isLoopback(hostname) && isLoopback(server.hostname));
    if (!isAllowed) throw new Error(`names ${origin} for authorization, which does not use https`);
    const answer = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(limits.requestTimeoutMs),
    });
    return bounded(answer, limits.maxMessageBytes);
  };
}
