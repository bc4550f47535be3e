/**
 * Chooses the transport of one server from its block and its responses, connects it once and closes it once. It
 * interprets no messages, and carries handles of tasks past the SDK.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ProtocolError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Client, FetchLike, JSONRPCMessage, SSEClientTransport } from '@modelcontextprotocol/client';
import { FIRST_STATELESS_REVISION, isStateless } from './client-options.ts';
import { createMessageReader } from '../lenient/message-reader.ts';
import type { ChildReaper } from './child-reaper.ts';
import { PROBE_MS, mayBeOlder, mayBeSlow, clearerError } from './first-contact.ts';
import { carryTask } from '../connection/task-result.ts';
import { createHttpTransport } from './http-transport.ts';
import type { ServerBlock } from '../config/server-block.ts';
import { createSseTransport, mayKnowOnlySse } from './sse-transport.ts';
import { createStdioTransport, type StdioTransport } from './stdio-transport.ts';

/** What each transport needs. */
export interface ServerTransportOptions {
  /** From the start of the server to its handshake, in ms. */
  startTimeoutMs: number;
  /** How long a child may take to exit after EOF, and again after SIGTERM. For HTTP: to end the session. */
  closeGraceMs: number;
  maxMessageBytes: number;
  reaper: ChildReaper;
  fetch: FetchLike;
  log(line: string, level?: 'warn'): void;
  /** A line of the stderr of a program, or the reason why it could not be started. */
  output(line: string): void;
  /** Called if the transport reveals that the server is lost. `reason` is fit for people. */
  gone(reason: string): void;
}

type AnyTransport = StdioTransport | StreamableHTTPClientTransport | SSEClientTransport;

/** Undefined for the handshake up to 2025-11-25. */
type Negotiation = Parameters<Client['setVersionNegotiation']>[0];

/** The transport of one connection. */
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

/** Creates the transport without connecting it. For HTTP it may fall back to server-sent events. */
export function createServerTransport(server: ServerBlock, given: ServerTransportOptions): ServerTransport {
  const options = { ...given, reader: createMessageReader((line) => given.log(line, 'warn')) };
  const { closeGraceMs } = options;
  const create = (): AnyTransport =>
    server.kind === 'stdio' ? createStdioTransport(server, options) : createHttpTransport(server, options);
  let transport = create();
  let isFirst = true;
  let closing: Promise<void> | null = null;

  /** The SDK calls an earlier handler before its own. */
  const carryTasks = (opened: AnyTransport): void => {
    const earlier = opened.onmessage;
    opened.onmessage = (message: JSONRPCMessage) => {
      earlier?.call(opened, message);
      carryTask(message);
    };
  };

  /** Connects with a transport that has not been used. Rejects with the SDK's errors. */
  const attempt = async (client: Client, negotiation: Negotiation, next: () => AnyTransport, timeout: number) => {
    if (!isFirst) {
      // The SDK keeps a transport that failed to start.
      await client.close();
      transport = next();
    }
    isFirst = false;
    carryTasks(transport);
    client.setVersionNegotiation(negotiation);
    await client.connect(transport, { timeout });
  };

  /** The handshake of the revisions up to 2025-11-25, over Streamable HTTP or, if the server refuses it, over HTTP+SSE. */
  const handshake = async (client: Client) => {
    try {
      await attempt(client, undefined, create, options.startTimeoutMs);
    } catch (error) {
      if (closing !== null || server.kind === 'stdio' || !mayKnowOnlySse(error)) throw error;
      // If the alternative fails too, the first error says what is wrong.
      const next = () => createSseTransport(server, options);
      await attempt(client, undefined, next, options.startTimeoutMs).catch(() => Promise.reject(error));
    }
  };

  const handshakeOfNewest = (client: Client, timeout: number, revision = FIRST_STATELESS_REVISION) =>
    attempt(client, { mode: { pin: revision } }, create, timeout);

  /** Asks the server for the newest revision first. An older server may answer that with anything, or not at all. */
  const askFirst = async (client: Client) => {
    try {
      // The SDK asks a program within one start. Both requests share the time.
      if (server.kind === 'stdio') await attempt(client, { mode: 'auto' }, create, options.startTimeoutMs / 2);
      else await handshakeOfNewest(client, Math.min(PROBE_MS, options.startTimeoutMs));
    } catch (probed) {
      if (closing !== null || !mayBeOlder(probed)) throw probed;
      try {
        await handshake(client);
      } catch (refused) {
        if (closing !== null) throw refused;
        if (!mayBeSlow(probed)) throw clearerError(probed, refused);
        await handshakeOfNewest(client, options.startTimeoutMs).catch(() => Promise.reject(refused));
      }
    }
  };

  return {
    async connect(client) {
      const { protocol } = server;
      const timeout = options.startTimeoutMs;
      if (protocol === 'auto') return askFirst(client);
      if (typeof protocol === 'object' && isStateless(protocol.revision))
        return handshakeOfNewest(client, timeout, protocol.revision);
      try {
        await handshake(client);
      } catch (error) {
        if (closing !== null || protocol !== 'legacy_first' || !(error instanceof ProtocolError)) throw error;
        await handshakeOfNewest(client, timeout).catch(() => Promise.reject(error));
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
