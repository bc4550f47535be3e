/**
 * Chooses the transport of one server from its block and its responses, connects it once and closes it once. It does
 * not interpret messages.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ProtocolError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Client, FetchLike, SSEClientTransport } from '@modelcontextprotocol/client';
import { FIRST_STATELESS_REVISION } from './client-options.ts';
import { createMessageReader } from '../lenient/message-reader.ts';
import type { ChildReaper } from './child-reaper.ts';
import { createHttpTransport } from './http-transport.ts';
import type { ServerBlock } from '../config/server-block.ts';
import { createSseTransport, mayKnowOnlySse } from './sse-transport.ts';
import { createStdioTransport, type StdioTransport } from './stdio-transport.ts';

export interface ServerTransportOptions {
  /** For the handshake, in ms. */
  connectionTimeoutMs: number;
  /** How long a child may take to exit after EOF, and again after SIGTERM. For HTTP: to end the session. */
  closeGraceMs: number;
  maxMessageBytes: number;
  reaper: ChildReaper;
  fetch: FetchLike;
  log(line: string, level?: 'warn'): void;
  /** Called if the transport reveals that the server is lost. `reason` is fit for people. */
  gone(reason: string): void;
}

export interface ServerTransport {
  /** Rejects with the SDK's errors. */
  connect(client: Client): Promise<void>;
  /** Whether requests carry a session id. */
  hasSession(): boolean;
  /** Why the server closed the transport, fit for people. Null if it did not, or if unknown. */
  ending(): string | null;
  /** Resolves when the transport is closed: for stdio, when the process group has ended. `endSession`: for HTTP, ends the session first. */
  close(endSession: boolean): Promise<void>;
}

export function createServerTransport(server: ServerBlock, given: ServerTransportOptions): ServerTransport {
  const options = { ...given, reader: createMessageReader((line) => given.log(line, 'warn')) };
  const { closeGraceMs } = options;
  let transport: StdioTransport | StreamableHTTPClientTransport | SSEClientTransport =
    server.kind === 'stdio' ? createStdioTransport(server, options) : createHttpTransport(server, options);
  let closing: Promise<void> | null = null;

  /** Returns another transport if the handshake failed as with an older or newer server, else null. */
  const alternative = (client: Client, error: unknown): StdioTransport | SSEClientTransport | null => {
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
      const requestOptions = { timeout: options.connectionTimeoutMs };
      try {
        await client.connect(transport, requestOptions);
      } catch (error) {
        const other = closing === null ? alternative(client, error) : null;
        if (other === null) throw error;
        transport = other;
        // If the alternative fails too, the first error says what is wrong.
        await client.connect(transport, requestOptions).catch(() => Promise.reject(error));
      }
    },
    hasSession: () => transport instanceof StreamableHTTPClientTransport && transport.sessionId !== undefined,
    ending: () => ('ending' in transport ? transport.ending() : null),
    close(endSession) {
      closing ??= (async () => {
        if (endSession && transport instanceof StreamableHTTPClientTransport) {
          // Frees the server's memory. Parley does not wait for a slow server.
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
