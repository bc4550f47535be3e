/**
 * Runs one connection to one MCP server: opens the SDK's client, reads the catalogue, reports changes and the loss,
 * makes calls, closes. It never reconnects and never repeats a call: the chart (machines/mcp-server.ts) decides when to
 * open another connection.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Client, LOG_LEVEL_META_KEY, ProtocolError, UnauthorizedError } from '@modelcontextprotocol/client';
import type { Progress, Tool as ListedTool } from '@modelcontextprotocol/client';
import { MAX_TIMER_MS } from '../../scheduling/acquire.ts';
import { withinTime } from '../../patient-timer.ts';
import type { ServerTool } from '../../../machines/mcp-server-types.ts';
import type { Authorization } from '../oauth/authorization.ts';
import { renewalFailure } from '../oauth/renewal.ts';
import { startingOptions } from '../transport/client-options.ts';
import { UNKNOWN_SESSION, endOfFailure, endOfResult, notSent, reasonOf } from './call-end.ts';
import { NO_ROUNDS, callInRounds, type RoundLimits } from './call-rounds.ts';
import { namesSession, rejectsSession } from './forgotten-session.ts';
import type { ChildReaper } from '../transport/child-reaper.ts';
import type { ClientFeatures, SamplingUse } from '../server-requests/client-features.ts';
import { STREAM_ENDED } from '../transport/http-transport.ts';
import { createListRefresh } from './list-refresh.ts';
import { handleServerRequests } from '../server-requests/live-requests.ts';
import type { ServerBlock } from '../config/server-block.ts';
import { MIN_LEVEL, logEntry } from '../content/server-log.ts';
import { createServerTransport } from '../transport/server-transport.ts';
import { createListCache, type ListCache, type ListCacheLimits } from './list-cache.ts';
import { sanitizeText } from '../content/sanitize-text.ts';
import { selectTools, unknownNames, type ListingLimits } from './tool-listing.ts';
import { stepTask, type TaskStep } from './follow-task.ts';
import { createTaskCalls } from './task-calls.ts';
import { createTaskRequests } from './task-requests.ts';
import type { CallEnd, CallOptions, FollowOptions } from '../port.ts';

/** The limits of one connection. Read at each use. */
export interface McpConnectionLimits extends ListCacheLimits, ListingLimits, RoundLimits {
  /** For the catalogue, in ms. */
  connectionTimeoutMs: number;
  /** From the start of the server to its handshake, in ms. */
  startTimeoutMs: number;
  /** For the response to a health check, in ms. */
  pingTimeoutMs: number;
  /** How long the end of a call waits for the list of tools that the call has changed, in ms. */
  listWaitMs: number;
  /** How long a child may take to exit after EOF, and again after SIGTERM. */
  closeGraceMs: number;
  /** How long running calls get to end before a retired connection is closed. */
  callGraceMs: number;
  maxMessageBytes: number;
  maxResultTokens: number;
  /** Of the images of one result together. */
  maxImageBytes: number;
}

/** What a connection is made from. */
export interface McpConnectionOptions {
  limits: McpConnectionLimits;
  reaper: ChildReaper;
  /** Null for a server without OAuth. */
  authorization: Authorization | null;
  clientVersion: string;
  clientFeatures: ClientFeatures;
  /** A line about this server, or an error of the SDK about it. */
  log(line: string, level?: 'warn'): void;
  /** A line of the server's stderr, or the reason why its program could not be started. */
  output(line: string): void;
  ready(catalogue: readonly ServerTool[]): void;
  changed(catalogue: readonly ServerTool[]): void;
  /** Called at most once, and never after `close`. */
  lost(reason: string): void;
  /** Called instead of `lost` if a person has to authorize Parley first. */
  unauthorized(): void;
  /** The server has sent the state of a task. */
  taskChanged(taskId: string): void;
  /** Called if a call was aborted: the server may hang. */
  suspect(): void;
}

/** One open connection. */
export interface McpConnection {
  /** Prompts and resources of the server. */
  readonly lists: ListCache;
  /** The negotiated protocol revision. */
  revision(): string | null;
  /** The instructions that the server sent with its handshake, as it wrote them. '' if none. */
  instructions(): string;
  /** Never rejects. Sends the call at most once. If the call has changed the list of tools, it ends after the new list. */
  call(toolName: string, args: Record<string, unknown>, options: CallOptions): Promise<CallEnd>;
  /** Rejects with the SDK's errors. See `stepTask` of follow-task.ts. */
  stepTask(options: FollowOptions, used: SamplingUse): Promise<TaskStep>;
  /** Never rejects. */
  cancelTask(taskId: string): Promise<void>;
  /** Rejects if the server does not answer a ping. Skips a server with running calls unless `suspected`: many servers do one thing at a time. */
  check(suspected: boolean): Promise<void>;
  /** Reads all lists again, with changed limits. */
  refreshLists(): void;
  /** Takes no new calls. `close` then gives running calls time to end. */
  retire(): void;
  /** Resolves when the connection is closed: for stdio, when the process group has ended. */
  close(): Promise<void>;
}

/** Pause before a subscription is opened again that the server ended. Many proxies end idle streams. */
const RELISTEN_MS = 1_000;

/** Bounds what is remembered of a server that lists other tools each time. */
const MAX_REPORTED = 10_000;

/** Longest expected delay between a result and a notification that was sent before it on another stream. */
const OTHER_STREAM_MS = 30;

function progressOf({ progress, total, message }: Progress) {
  return {
    progress,
    ...(total === undefined ? {} : { total }),
    ...(message === undefined ? {} : { message: sanitizeText(message) }),
  };
}

/** Starts to connect at once, and reports the outcome with `ready`, `lost` or `unauthorized`. */
export function openMcpConnection(server: ServerBlock, options: McpConnectionOptions): McpConnection {
  const { limits, log } = options;
  /** `unauthorized`, `retired`: takes no new calls; running calls go on. */
  let state: 'connecting' | 'ready' | 'unauthorized' | 'retired' | 'over' = 'connecting';
  let newest: readonly ServerTool[] | null = null;
  const calls = new Set<CallOptions | FollowOptions>();
  const lastCallEnded = Promise.withResolvers<void>();

  const isOver = () => state === 'unauthorized' || state === 'retired' || state === 'over';

  const lose = (reason: string, cause?: unknown) => {
    if (isOver()) return;
    const isUnauthorized = cause instanceof UnauthorizedError;
    state = isUnauthorized || renewalFailure(cause) !== null ? 'unauthorized' : 'over';
    if (isUnauthorized) options.unauthorized();
    else options.lost(reason);
  };

  const transport = createServerTransport(server, {
    startTimeoutMs: limits.startTimeoutMs,
    closeGraceMs: limits.closeGraceMs,
    maxMessageBytes: limits.maxMessageBytes,
    reaper: options.reaper,
    fetch: options.authorization?.fetch ?? fetch,
    log,
    output: options.output,
    gone: (reason) => state === 'ready' && lose(reason),
  });

  /** Unknown tool names, and tools left out, that were logged already. */
  const reported = new Set<string>();
  const leaveOut = (reason: string) => {
    if (!reported.has(reason)) log(reason, 'warn');
    if (reported.size < MAX_REPORTED) reported.add(reason);
  };
  const readList = (listed: readonly ListedTool[]) => {
    taskCalls.read(listed);
    for (const { key, name, suggestion } of unknownNames(listed, server)) {
      if (reported.has(name)) continue;
      reported.add(name);
      log(
        `it has no tool "${name}", which is listed under ${key} of its block${suggestion === null ? '' : `; did you mean "${suggestion}"?`}`,
        'warn',
      );
    }
    return selectTools(listed, { ...server, canRunTasks: taskCalls.areDeclared() }, limits, leaveOut);
  };
  const takeList = (listed: readonly ListedTool[]) => {
    newest = readList(listed);
    if (state === 'ready') options.changed(newest);
  };

  const lists = createListCache(() => client, limits);
  const client = new Client(
    { name: 'parley', version: options.clientVersion },
    {
      ...startingOptions(server.protocol),
      capabilities: options.clientFeatures.capabilities,
      inputRequired: NO_ROUNDS,
      listChanged: {
        ...lists.listChanged,
        // Without the SDK's pause of 0.3 s: the model is asked again as soon as the call has ended.
        tools: { autoRefresh: false, debounceMs: 0, onChanged: () => listRefresh.request() },
      },
    },
  );
  client.setNotificationHandler('notifications/message', ({ params }) => {
    const entry = logEntry(params);
    log(`${entry.level}: ${entry.text}`);
    // The message does not name its call. With several running calls, it could go to the wrong person.
    if (calls.size === 1) for (const { onLog } of calls) onLog(entry);
  });
  handleServerRequests(client, options.clientFeatures, limits, calls);
  const taskRequests = createTaskRequests(client, limits);
  const taskCalls = createTaskCalls(client, options.taskChanged);
  client.onerror = (error) => log(reasonOf(error));
  // While connecting, the rejection of the handshake says more than the closed transport.
  client.onclose = () => state === 'ready' && lose(transport.ending() ?? 'closed the connection');

  const list = async () => {
    if (client.getServerCapabilities()?.tools === undefined) return [];
    return (await client.listTools(undefined, { timeout: limits.connectionTimeoutMs, cacheMode: 'refresh' })).tools;
  };

  const reportsChanges = () => client.getServerCapabilities()?.tools?.listChanged === true;

  const listRefresh = createListRefresh(() =>
    list().then(takeList, (error: unknown) =>
      log(`the changed list of tools could not be read: ${reasonOf(error)}`, 'warn'),
    ),
  );
  /** Resolves when the tools that a call has switched on or off are known, or after `listWaitMs`, or on abort. */
  const afterChanges = (signal: AbortSignal) => {
    const graceMs = server.kind === 'http' && reportsChanges() ? OTHER_STREAM_MS : 0;
    return listRefresh.settled(signal, graceMs, limits.listWaitMs);
  };

  /** Since 2026-07-28 changes come on a separate stream, which the SDK does not reopen. */
  const keepListening = async () => {
    let subscription = client.autoOpenedSubscription;
    while (subscription !== undefined) {
      await subscription.closed;
      await pause(RELISTEN_MS, undefined, { ref: false });
      if (isOver()) return;
      subscription = await client.listen({ ...subscription.honoredFilter }, { timeout: limits.connectionTimeoutMs });
      lists.invalidate();
      takeList(await list());
    }
  };

  const open = async () => {
    await transport.connect(client);
    // Some servers report changes and do not declare that they do. The SDK then has no handler.
    if (!reportsChanges())
      client.setNotificationHandler('notifications/tools/list_changed', () => listRefresh.request());
    const listed = await list();
    if (isOver()) return;
    // A change notification that came meanwhile has brought a newer list.
    newest ??= readList(listed);
    state = 'ready';
    if (canLog() && client.getProtocolEra() === 'legacy')
      client
        .setLoggingLevel(MIN_LEVEL, { timeout: limits.requestTimeoutMs })
        .catch((error: unknown) => log(reasonOf(error)));
    options.ready(newest);
    await keepListening();
  };

  const canLog = () => client.getServerCapabilities()?.logging !== undefined;
  /** Since 2026-07-28 a server sends log messages only if the request has a level. */
  const logLevelParams = () =>
    canLog() && client.getProtocolEra() === 'modern' ? { _meta: { [LOG_LEVEL_META_KEY]: MIN_LEVEL } } : {};

  const sessionIsForgotten = (signal: AbortSignal) =>
    client.ping({ timeout: limits.pingTimeoutMs, signal }).then(() => false, namesSession);

  open().catch((error: unknown) => lose(transport.ending() ?? reasonOf(error), error));

  return {
    lists,
    revision: () => client.getNegotiatedProtocolVersion() ?? null,
    instructions: () => client.getInstructions() ?? '',
    async call(toolName, args, callOptions) {
      const { signal, onProgress, resume } = callOptions;
      if (signal.aborted) return { status: 'cancelled' };
      if (state !== 'ready') return notSent(server.name, 'is not connected');
      const hadSession = transport.hasSession();
      calls.add(callOptions);
      try {
        const sent = {
          signal,
          // The caller times the call out. The SDK's timer cannot be turned off.
          timeout: MAX_TIMER_MS,
          onprogress: (progress: Progress) => onProgress(progressOf(progress)),
        };
        const end = await callInRounds(
          { client, clientFeatures: options.clientFeatures, limits },
          {
            name: toolName,
            arguments: args,
            ...logLevelParams(),
            ...taskCalls.params(toolName, callOptions.taskTimeoutMs),
          },
          sent,
          resume,
        );
        if ('suspended' in end) return { status: 'suspended', ...end.suspended };
        if ('task' in end) return { status: 'task', task: end.task };
        await afterChanges(signal);
        return endOfResult(end.result, limits);
      } catch (error) {
        // The SDK has already sent `notifications/cancelled`, or ended the stream.
        if (signal.aborted) {
          if (state === 'ready') options.suspect();
          return { status: 'cancelled' };
        }
        const end = endOfFailure(error, server.name, hadSession);
        // No further request on this connection would reach the server.
        if (end.status === 'not_sent') lose(reasonOf(error), error);
        else if (hadSession && namesSession(error) && (await sessionIsForgotten(signal))) {
          lose(reasonOf(error), error);
          if (rejectsSession(error)) return notSent(server.name, UNKNOWN_SESSION);
        }
        return end;
      } finally {
        calls.delete(callOptions);
        if (isOver() && calls.size === 0) lastCallEnded.resolve();
      }
    },
    async stepTask(followOptions, used) {
      // An older server asks people by requests on the connection.
      const asksHere = client.getProtocolEra() === 'legacy';
      if (asksHere) calls.add(followOptions);
      try {
        const deps = { server: server.name, requests: taskRequests, clientFeatures: options.clientFeatures, limits };
        return await stepTask(deps, followOptions.resume, used, followOptions.signal);
      } finally {
        calls.delete(followOptions);
        if (isOver() && calls.size === 0) lastCallEnded.resolve();
      }
    },
    cancelTask: (taskId) => taskRequests.cancel(taskId).catch((error: unknown) => log(reasonOf(error))),
    async check(suspected) {
      if (calls.size > 0 && !suspected) return;
      try {
        await withinTime(limits.pingTimeoutMs, (signal) => {
          const sent = { signal, timeout: MAX_TIMER_MS };
          return client.getProtocolEra() === 'modern' ? client.discover(sent) : client.ping(sent);
        });
      } catch (error) {
        // A refusal is an answer too, unless it is the session's; the end of a stream is not.
        if (!(error instanceof ProtocolError) || error.data === STREAM_ENDED) throw error;
        if (transport.hasSession() && namesSession(error)) throw error;
      }
    },
    refreshLists() {
      lists.invalidate();
      if (state === 'ready') listRefresh.request();
    },
    retire() {
      if (state === 'ready') state = 'retired';
    },
    async close() {
      const endSession = state === 'ready' || state === 'retired';
      if (state === 'retired' && calls.size > 0)
        await Promise.race([lastCallEnded.promise, pause(limits.callGraceMs, undefined, { ref: false })]);
      // The calls' own timeouts bound this wait.
      if (state === 'unauthorized' && calls.size > 0) await lastCallEnded.promise;
      state = 'over';
      await transport.close(endSession);
    },
  };
}
