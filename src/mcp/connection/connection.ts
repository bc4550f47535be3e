/**
 * One connection to one MCP server, from the first byte to the last: opens the SDK's client,
 * reads the catalogue, reports changes and the loss, makes calls, closes. It never reconnects and
 * never repeats a call; when to open another one is decided by machines/mcp-server.ts.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Client, LOG_LEVEL_META_KEY, ProtocolError, UnauthorizedError } from '@modelcontextprotocol/client';
import type { Progress, Tool as ListedTool } from '@modelcontextprotocol/client';
import type { ServerTool } from '../../../machines/mcp-server-types.ts';
import type { Authorization } from '../oauth/authorization.ts';
import { startingOptions } from '../transport/client-options.ts';
import { endOfFailure, endOfResult, notSent, reasonOf } from './call-end.ts';
import { NO_ROUNDS, callInRounds, type RoundLimits } from './call-rounds.ts';
import type { Guard } from '../transport/child-reaper.ts';
import type { HostAnswers } from '../server-requests/host-answers.ts';
import { STREAM_ENDED } from '../transport/http-transport.ts';
import { listTools } from './lenient-list.ts';
import { listenToAsks } from '../server-requests/live-asks.ts';
import type { ServerBlock } from '../config/server-block.ts';
import { LEAST_LEVEL, logEntry } from '../content/server-log.ts';
import { createServerTransport } from '../transport/server-transport.ts';
import { createShelf, type Shelf, type ShelfLimits } from './list-cache.ts';
import { legible } from '../content/sanitize-text.ts';
import { takeTools, unknownNames, type ListingLimits } from './tool-listing.ts';
import type { CallEnd, CallOptions } from '../calls.ts';
import { MAX_TIMER_MS } from '../../timer-limit.ts';

export interface ConnectionLimits extends ShelfLimits, ListingLimits, RoundLimits {
  /** For the handshake and for the catalogue, each, in ms. */
  connectionTimeoutMs: number;
  /** For the answer to a health check, in ms. */
  pingTimeoutMs: number;
  /** How long a child may take to leave after EOF, and again after SIGTERM. */
  closeGraceMs: number;
  maxMessageBytes: number;
  maxResultTokens: number;
}

export interface ConnectionOptions {
  limits: ConnectionLimits;
  guard: Guard;
  /** Of a server that may ask for OAuth; else null. */
  authorization: Authorization | null;
  clientVersion: string;
  answers: HostAnswers;
  /** A line of the server's stderr, or of the SDK's about this server. */
  log(line: string, level?: 'warn'): void;
  ready(catalogue: readonly ServerTool[]): void;
  changed(catalogue: readonly ServerTool[]): void;
  /** Said at most once, and never after `close`. */
  lost(reason: string): void;
  /** In place of `lost`, when the server lets nobody in whom no person has authorized. */
  unauthorized(): void;
  /** A call was given up: the server may hang. */
  suspect(): void;
}

export interface Connection {
  /** What the server offers beside tools. */
  readonly shelf: Shelf;
  /** Of the protocol, as agreed on with the server. */
  revision(): string | null;
  /** Never rejects; makes the call at most once. */
  call(toolName: string, args: Record<string, unknown>, options: CallOptions): Promise<CallEnd>;
  /** Rejects when the server does not answer a ping. One that is at work on calls is asked only if it is `suspected`: many can do but one thing at a time. */
  check(suspected: boolean): Promise<void>;
  /** Reads all lists again, for limits that have changed. */
  listAgain(): void;
  /** Resolves when nothing of the connection is left: for stdio, when the process group has ended. */
  close(): Promise<void>;
}

/** Before a subscription that the server ended is opened again; many proxies end idle streams. */
const RELISTEN_MS = 1_000;

function progressOf({ progress, total, message }: Progress) {
  return {
    progress,
    ...(total === undefined ? {} : { total }),
    ...(message === undefined ? {} : { message: legible(message) }),
  };
}

/** Starts connecting at once; the outcome is told by `ready` or `lost`. */
export function openConnection(server: ServerBlock, options: ConnectionOptions): Connection {
  const { limits, log } = options;
  /** `barred`: over for whoever comes, while the server goes on with the calls that it has let in. */
  let standing: 'connecting' | 'ready' | 'barred' | 'over' = 'connecting';
  let newest: readonly ServerTool[] | null = null;
  const calls = new Set<CallOptions>();
  const idle = Promise.withResolvers<void>();

  const isOver = () => standing === 'barred' || standing === 'over';

  const lose = (reason: string, cause?: unknown) => {
    if (isOver()) return;
    standing = cause instanceof UnauthorizedError ? 'barred' : 'over';
    if (standing === 'barred') options.unauthorized();
    else options.lost(reason);
  };

  const transport = createServerTransport(server, {
    ...limits,
    guard: options.guard,
    fetch: options.authorization?.fetch ?? fetch,
    log,
    gone: (reason) => standing === 'ready' && lose(reason),
  });

  /** Names that no list of this connection had. */
  const reported = new Set<string>();
  const readList = (listed: readonly ListedTool[]) => {
    for (const { key, name, meant } of unknownNames(listed, server)) {
      if (reported.has(name)) continue;
      reported.add(name);
      log(
        `it has no tool "${name}", which ${key} of its block names${meant === null ? '' : `; did you mean "${meant}"?`}`,
        'warn',
      );
    }
    return takeTools(listed, server, limits, log);
  };
  const takeList = (listed: readonly ListedTool[]) => {
    newest = readList(listed);
    if (standing === 'ready') options.changed(newest);
  };

  const shelf = createShelf(() => client, limits);
  const client = new Client(
    { name: 'parley', version: options.clientVersion },
    {
      ...startingOptions(server.protocol),
      capabilities: options.answers.capabilities,
      inputRequired: NO_ROUNDS,
      listChanged: {
        ...shelf.listChanged,
        tools: {
          onChanged: (_error, tools) => (tools === null ? listAgain() : takeList(tools)),
        },
      },
    },
  );
  client.setNotificationHandler('notifications/message', ({ params }) => {
    const entry = logEntry(params);
    log(`${entry.level}: ${entry.text}`);
    // While several calls are made, nobody can tell which of them it is about, and one may be another person's.
    if (calls.size === 1) for (const { onLog } of calls) onLog(entry);
  });
  listenToAsks(client, options.answers, limits, calls);
  client.onerror = (error) => log(reasonOf(error));
  // While connecting, the handshake's own rejection tells more than the closed transport.
  client.onclose = () => standing === 'ready' && lose(transport.ending() ?? 'closed the connection');

  const list = async () => {
    if (client.getServerCapabilities()?.tools === undefined) return [];
    return listTools(client, limits.connectionTimeoutMs, log);
  };

  const listAgain = () =>
    void list().then(takeList, (error: unknown) =>
      log(`the changed list of tools could not be read: ${reasonOf(error)}`),
    );

  /** Since 2026-07-28 changes are told on a stream of their own, which the SDK does not reopen. */
  const keepListening = async () => {
    let subscription = client.autoOpenedSubscription;
    while (subscription !== undefined) {
      await subscription.closed;
      await pause(RELISTEN_MS, undefined, { ref: false });
      if (isOver()) return;
      subscription = await client.listen({ ...subscription.honoredFilter }, { timeout: limits.connectionTimeoutMs });
      shelf.forget();
      takeList(await list());
    }
  };

  const open = async () => {
    await transport.connect(client);
    const listed = await list();
    if (isOver()) return;
    // A change that was told while the list was on its way is the newer one.
    newest ??= readList(listed);
    standing = 'ready';
    if (canLog() && client.getProtocolEra() === 'legacy')
      client
        .setLoggingLevel(LEAST_LEVEL, { timeout: limits.requestTimeoutMs })
        .catch((error: unknown) => log(reasonOf(error)));
    options.ready(newest);
    await keepListening();
  };

  const canLog = () => client.getServerCapabilities()?.logging !== undefined;
  /** Since 2026-07-28 a server sends its log where a request asks for it. */
  const logsWanted = () =>
    canLog() && client.getProtocolEra() === 'modern' ? { _meta: { [LOG_LEVEL_META_KEY]: LEAST_LEVEL } } : {};

  open().catch((error: unknown) => lose(transport.ending() ?? reasonOf(error), error));

  return {
    shelf,
    revision: () => client.getNegotiatedProtocolVersion() ?? null,
    async call(toolName, args, callOptions) {
      const { signal, onProgress, resume } = callOptions;
      if (signal.aborted) return { status: 'cancelled' };
      if (standing !== 'ready') return notSent(server.name, 'is not connected');
      const hadSession = transport.hasSession();
      calls.add(callOptions);
      try {
        const sent = {
          signal,
          // The caller ends a call: its clock stops while people are asked. The SDK's own timer cannot be turned off.
          timeout: MAX_TIMER_MS,
          onprogress: (progress: Progress) => onProgress(progressOf(progress)),
        };
        const end = await callInRounds(
          { client, answers: options.answers, limits },
          { name: toolName, arguments: args, ...logsWanted() },
          sent,
          resume,
        );
        return 'laidDown' in end
          ? { status: 'laid_down', ...end.laidDown }
          : endOfResult(end.result, limits.maxResultTokens);
      } catch (error) {
        // The SDK has told the server by now: `notifications/cancelled`, or the end of the stream.
        if (signal.aborted) {
          if (standing === 'ready') options.suspect();
          return { status: 'cancelled' };
        }
        const end = endOfFailure(error, server.name, hadSession);
        // Nothing that is sent on this connection will reach the server any more.
        if (end.status === 'not_sent') lose(reasonOf(error), error);
        return end;
      } finally {
        calls.delete(callOptions);
        if (isOver() && calls.size === 0) idle.resolve();
      }
    },
    async check(suspected) {
      if (calls.size > 0 && !suspected) return;
      const timeout = limits.pingTimeoutMs;
      try {
        await (client.getProtocolEra() === 'modern' ? client.discover({ timeout }) : client.ping({ timeout }));
      } catch (error) {
        // Also a refusal is an answer; the end of a stream is none.
        if (!(error instanceof ProtocolError) || error.data === STREAM_ENDED) throw error;
      }
    },
    listAgain() {
      shelf.forget();
      if (standing === 'ready') listAgain();
    },
    async close() {
      const inGoodOrder = standing === 'ready';
      // Each call ends in its own time at the latest.
      if (standing === 'barred' && calls.size > 0) await idle.promise;
      standing = 'over';
      await transport.close(inGoodOrder);
    },
  };
}
