/**
 * The way to one server: the transport that its block and its answers ask for, connected once and closed once. Carries
 * messages; what they say is nobody's business here.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ProtocolError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Client, FetchLike, SSEClientTransport } from '@modelcontextprotocol/client';
import { FIRST_STATELESS_REVISION } from './client-options.ts';
import type { ChildReaper } from './child-reaper.ts';
import { createHttpTransport } from './http-transport.ts';
import type { ServerBlock } from '../config/server-block.ts';
import { createSseTransport, mayKnowOnlySse } from './sse-transport.ts';
import { createStdioTransport, type StdioTransport } from './stdio-transport.ts';

export interface ServerTransportOptions {
  /** For the handshake, in ms. */
  connectionTimeoutMs: number;
  /** How long a child may take to leave after EOF, and again after SIGTERM; how long an HTTP server may take to end its session. */
  closeGraceMs: number;
  maxMessageBytes: number;
  reaper: ChildReaper;
  fetch: FetchLike;
  log(line: string): void;
  /** The server shows that it is gone, which no request has found yet; `reason` is fit for people. */
  gone(reason: string): void;
}

export interface ServerTransport {
  /** Rejects with the SDK's errors. */
  connect(client: Client): Promise<void>;
  /** Whether requests carry a session id. */
  hasSession(): boolean;
  /** Why it ended of its own accord, fit for people; null while it has not, or nobody knows. */
  ending(): string | null;
  /** Resolves when nothing is left of it: for stdio, when the process group has ended. */
  close(inGoodOrder: boolean): Promise<void>;
}

export function createServerTransport(server: ServerBlock, options: ServerTransportOptions): ServerTransport {
  const { closeGraceMs } = options;
  let transport: StdioTransport | StreamableHTTPClientTransport | SSEClientTransport =
    server.kind === 'stdio' ? createStdioTransport(server, options) : createHttpTransport(server, options);
  let closing: Promise<void> | null = null;

  /** For a server that has refused to be greeted, in the manner of one that is older or newer than was thought; else null. */
  const otherWay = (client: Client, error: unknown): StdioTransport | SSEClientTransport | null => {
    if (server.kind === 'http') {
      if (!mayKnowOnlySse(error)) return null;
      client.setVersionNegotiation(undefined);
      return createSseTransport(server, options);
    }
    if (server.protocol !== 'legacy_first' || !(error instanceof ProtocolError)) return null;
    client.setVersionNegotiation({ mode: { pin: FIRST_STATELESS_REVISION } });
    return createStdioTransport(server, options);
  };

  return {
    async connect(client) {
      const patience = { timeout: options.connectionTimeoutMs };
      try {
        await client.connect(transport, patience);
      } catch (error) {
        const other = closing === null ? otherWay(client, error) : null;
        if (other === null) throw error;
        transport = other;
        // A server that cannot be reached this way either has said before what is wrong.
        await client.connect(transport, patience).catch(() => Promise.reject(error));
      }
    },
    hasSession: () => transport instanceof StreamableHTTPClientTransport && transport.sessionId !== undefined,
    ending: () => ('ending' in transport ? transport.ending() : null),
    close(inGoodOrder) {
      closing ??= (async () => {
        if (inGoodOrder && transport instanceof StreamableHTTPClientTransport) {
          // A courtesy that frees the server's memory; a server that is slow to take it is left alone.
          await Promise.race([
            transport.terminateSession().catch(() => undefined),
            pause(closeGraceMs, undefined, { ref: false }),
          ]);
        }
        await transport.close();
      })();
      return closing;
    },
  };
}
