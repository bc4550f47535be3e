/**
 * Requests to authorization servers. Which ones, an MCP server says, which is a stranger: it must not lead Parley to
 * the services of the machine or the network that Parley runs in, nor have it wait or read without end.
 */
import type { FetchLike } from '@modelcontextprotocol/client';
import { isLoopback } from '../../loopback.ts';
import { bounded } from '../transport/bounded-response.ts';

export interface AuthorizationFetchOptions {
  /** The MCP server's. */
  serverUrl: string;
  /** For one answer, in ms and bytes; read for each. */
  limits: { readonly requestTimeoutMs: number; readonly maxMessageBytes: number };
}

/**
 * Rejects for an address without https that is not the server's own; servers on this machine may name others on it.
 * Redirects are not followed: they could lead anywhere, and take a secret along.
 */
export function createAuthorizationFetch({ serverUrl, limits }: AuthorizationFetchOptions): FetchLike {
  const server = new URL(serverUrl);

  return async (url, init) => {
    const { protocol, hostname, origin } = new URL(url);
    const isAllowed =
      protocol === 'https:' || origin === server.origin || (isLoopback(hostname) && isLoopback(server.hostname));
    if (!isAllowed) throw new Error(`leads to ${origin} for authorization, which is not https`);
    const answer = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(limits.requestTimeoutMs),
    });
    return bounded(answer, limits.maxMessageBytes);
  };
}
