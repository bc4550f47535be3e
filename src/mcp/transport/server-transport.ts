/**
 * Chooses the transport of one server from its block and its responses, connects it once and closes it once. It
 * interprets no messages, and carries handles of tasks past the SDK.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ProtocolError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Client, FetchLike, JSONRPCMessage, SSEClientTransport } from '@modelcontextprotocol/client';
import { FIRST_STATELESS_REVISION } from './client-options.ts';
import type { ChildReaper } from './child-reaper.ts';
import { carryTask } from '../connection/task-result.ts';
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
  log(line: string): void;
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

export function createServerTransport(server: ServerBlock, options: ServerTransportOptions): ServerTransport {
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

  /** The SDK calls an earlier handler before its own. */
  const carryingTasks = <T extends typeof transport>(opened: T): T => {
    const earlier = opened.onmessage;
    opened.onmessage = (message: JSONRPCMessage) => {
      earlier?.call(opened, message);
      carryTask(message);
    };
    return opened;
  };

  return {
    async connect(client) {
      const requestOptions = { timeout: options.connectionTimeoutMs };
      try {
        await client.connect(carryingTasks(transport), requestOptions);
      } catch (error) {
        const other = closing === null ? alternative(client, error) : null;
        if (other === null) throw error;
        transport = carryingTasks(other);
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
