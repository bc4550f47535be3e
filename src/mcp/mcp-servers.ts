/**
 * Implements the port of the MCP servers, and provides the actors of their charts. It joins each server's chart
 * (machines/mcp-server.ts), which decides when to connect, with its connection, which makes the calls. No SDK type
 * leaves this folder.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { fromCallback, fromPromise } from 'xstate';
import type { CheckInput, McpServerEvent, McpServerInput, McpServerLimits } from '../../machines/mcp-server-types.ts';
import { mcpServerMachine } from '../../machines/mcp-server.ts';
import type { ServerChanges } from '../../machines/registry.ts';
import { AppError } from '../errors.ts';
import { notSent, reasonOf } from './connection/call-end.ts';
import { mergeCatalogues } from './catalogue.ts';
import { fairShare } from '../scheduling/fair-share.ts';
import { createAuthorizer, type AuthorizerOptions } from './oauth/authorizer.ts';
import { isNamed } from './connection/tool-listing.ts';
import { openMcpConnection } from './connection/connection.ts';
import type { McpConnectionLimits } from './connection/connection.ts';
import { createChildReaper } from './transport/child-reaper.ts';
import { createClientFeatures, type ClientFeaturesOptions } from './server-requests/client-features.ts';
import { secretFilterOf } from './secrets/secret-filter.ts';
import { createPromptsAndResources, type PromptsAndResources } from './prompts-and-resources.ts';
import { instructionsOf } from './server-instructions.ts';
import { followTask, type TaskLimits } from './task-follower.ts';
import { makeCall, createServerHandle, stateOf, struck, waitForConnection } from './server-handle.ts';
import { createArgumentValidator } from './validation/argument-validator.ts';
import { cannotValidate, explainForApprover, explainForForm, explainForModel } from './validation/explain-result.ts';
import { startTimeoutOf, type StartTimeout, type StartTimeouts } from './start-timeout.ts';
import type { Tool, McpServers } from './port.ts';
import type { ServerBlock } from './config/server-block.ts';
import type { ServerHandle, ServerActor } from './server-handle.ts';

/** The limits of all servers. Read at each use. */
export interface McpServersLimits
  extends
    Omit<McpServerLimits, keyof StartTimeout>,
    Omit<McpConnectionLimits, keyof StartTimeout>,
    StartTimeouts,
    TaskLimits {
  /** How long turns wait for first connections, from the start of Parley, in ms. */
  toolsWaitMs: number;
  /** Concurrent calls of one server, unless its block has a limit of its own. */
  maxConcurrent: number;
  /** Of the instructions of one server. 0: none is used. */
  maxInstructionsChars: number;
}

/** Limits and client features are read when they are used. */
export interface McpServersOptions {
  /** The enabled servers. */
  servers: readonly ServerBlock[];
  limits: McpServersLimits;
  authorization: AuthorizerOptions;
  /** Parley's version, as sent to servers. */
  clientVersion: string;
  clientFeatures: ClientFeaturesOptions;
  /** chat.service.tools.permission. Default: nothing is denied. */
  policy?: { readonly permission: Readonly<Record<string, string>> };
  /** A line of a server's stderr, or about its connection. `warn`: a mistake in the configuration. */
  log(server: string, line: string, level?: 'warn'): void;
}

/** The port, with what the composition root needs to run it. */
export interface McpServersHost extends McpServers {
  promptsAndResources: PromptsAndResources;
  /** The chart of a server with its actors provided. */
  logic: typeof mcpServerMachine;
  /** The input of `logic` for each server. */
  inputs: readonly McpServerInput[];
  /** Takes the actor of a server. Call it once for each, right after the spawn. */
  attach(name: string, actor: ServerActor): void;
  /** Returns the names of servers that these blocks add, remove or change. */
  compare(blocks: readonly ServerBlock[]): string[];
  /**
   * Applies new blocks and the current limits. Returns the changes for the charts: servers to spawn and attach, to
   * drain, and to reconfigure. The port drops removed servers at once.
   */
  configure(blocks: readonly ServerBlock[]): ServerChanges;
  /** The last lines that the program of a server wrote to standard error, for the operator. Null if none. */
  outputOf(name: string): string | null;
  /** Closes the remaining connections and the child reaper. */
  close(): Promise<void>;
}

/** The limits that apply when a list is read: a change of them reads all lists again. */
function listingLimits({ maxTools, maxDescriptionChars, maxSchemaBytes, maxListed }: McpServersLimits) {
  return { maxTools, maxDescriptionChars, maxSchemaBytes, maxListed };
}

/** What is wrong with a server, with the last lines of its program. */
function withOutput(error: string | null, output: string | null): string | null {
  return error === null || output === null ? error : `${error}; its last output: ${output}`;
}

/** Resolves at a time of `performance.now()`. */
function waitUntil(timeMs: number): Promise<void> {
  const leftMs = timeMs - performance.now();
  return leftMs <= 0 ? Promise.resolve() : pause(leftMs, undefined, { ref: false });
}

/** What the block of a server states about one of its tools. */
function statedBy({ autoApprove, toolTimeoutMs }: ServerBlock, name: string) {
  const blockPermission = autoApprove === null ? null : isNamed(name, autoApprove) ? 'always' : 'ask';
  return { blockPermission, timeoutMs: toolTimeoutMs } as const;
}

/** Connects nothing yet: spawn `logic` with each of `inputs`, and `attach` the actor. */
export function createMcpServers({
  servers,
  limits,
  authorization: authorizerOptions,
  clientVersion,
  clientFeatures: featureOptions,
  policy = { permission: {} },
  log,
}: McpServersOptions): McpServersHost {
  const authorizer = createAuthorizer(authorizerOptions, limits);
  const handles = new Map(
    servers.map((block) => [block.name, createServerHandle(block, authorizer.of(block), limits)]),
  );
  /** Servers that were removed from the configuration and are still closing. */
  const removed = new Set<ServerHandle>();
  const reaper = createChildReaper((error) => log('child-reaper', `could not be started: ${error.message}`));
  const createdMs = performance.now();
  const allSettled = Promise.withResolvers<void>();
  if (handles.size === 0) allSettled.resolve();
  const validator = createArgumentValidator();
  const clientFeatures = createClientFeatures(featureOptions);
  let merged: readonly Tool[] = [];
  let sentCapabilities = clientFeatures.capabilities;
  let listing = listingLimits(limits);

  /** The limits of one server. They follow both the configuration and its block. */
  const limitsOf = (handle: ServerHandle): McpServersLimits & StartTimeout =>
    Object.create(limits, {
      startTimeoutMs: { get: () => startTimeoutOf(handle.block, limits).startTimeoutMs },
      startTimeoutKey: { get: () => startTimeoutOf(handle.block, limits).startTimeoutKey },
    });
  const inputOf = ({ name }: ServerBlock): McpServerInput => ({ name, limits: limitsOf(handleOf(name)) });
  const handleOf = (name: string): ServerHandle => {
    const handle = handles.get(name) ?? [...removed].findLast(({ block }) => block.name === name);
    if (handle === undefined) throw new AppError('internal', `no MCP server is called "${name}"`);
    return handle;
  };

  const connection = fromCallback<McpServerEvent, { name: string }>(({ input, sendBack }) => {
    const handle = handleOf(input.name);
    const secrets = secretFilterOf(handle.block);
    handle.output.startAgain();
    const opened = openMcpConnection(handle.block, {
      limits: limitsOf(handle),
      reaper,
      authorization: handle.authorization,
      clientVersion,
      clientFeatures,
      log: (line, level) => log(input.name, secrets.report(line), level),
      output(line) {
        handle.output.add(line);
        log(input.name, secrets.report(line));
      },
      ready(catalogue) {
        handle.connection = opened;
        handle.instructions = secrets.report(opened.instructions());
        sendBack({ type: 'server.ready', catalogue: secrets.listAll(catalogue) });
      },
      changed: (catalogue) => sendBack({ type: 'server.changed', catalogue: secrets.listAll(catalogue) }),
      lost(reason) {
        handle.connection = null;
        sendBack({ type: 'server.lost', reason: secrets.report(reason), jitter: Math.random() });
      },
      unauthorized() {
        handle.connection = null;
        sendBack({ type: 'server.unauthorized' });
      },
      taskChanged: (taskId) => handle.taskListeners.forEach((listener) => listener(taskId)),
      suspect: () => sendBack({ type: 'server.suspect' }),
    });
    return () => {
      handle.connection = null;
      const closing = opened
        .close()
        .catch((error: unknown) => log(input.name, secrets.report(`closing failed: ${reasonOf(error)}`)))
        .finally(() => handle.closings.delete(closing));
      handle.closings.add(closing);
    };
  });

  const closing = fromPromise<void, { name: string }>(async ({ input }) => {
    await Promise.all(handleOf(input.name).closings);
  });

  const check = fromPromise<void, CheckInput>(async ({ input }) => {
    await handleOf(input.name).connection?.check(input.suspected);
  });

  const authorization = fromPromise<void, { name: string }>(async ({ input, signal }) => {
    const handle = handleOf(input.name);
    try {
      await handle.authorization?.authorize((url) => handle.actor?.send({ type: 'server.authorizeUrl', url }), signal);
    } catch (error) {
      throw new Error(secretFilterOf(handle.block).report(reasonOf(error)), { cause: error });
    }
  });

  const merge = (newest: string) => {
    const listed = mergeCatalogues([...handles].map(([name, each]) => [name, each.catalogue] as const));
    const offered = listed.map((tool) => ({ ...tool, ...statedBy(handleOf(tool.server).block, tool.toolName) }));
    if (offered.length > limits.maxTools)
      log(newest, `all servers together list ${offered.length} tools; only ${limits.maxTools} are offered`, 'warn');
    merged = fairShare(offered, limits.maxTools);
  };

  const observe = (handle: ServerHandle, actor: ServerActor) => {
    const { catalogue } = actor.getSnapshot().context;
    if (catalogue !== handle.catalogue) {
      handle.catalogue = catalogue;
      merge(handle.block.name);
    }
    if (stateOf(handle) === 'stopped') removed.delete(handle);
    handle.hasSettled ||= stateOf(handle) !== 'connecting';
    if ([...handles.values()].every((each) => each.hasSettled)) allSettled.resolve();
    for (const listener of handle.stateListeners) listener();
  };

  return {
    promptsAndResources: createPromptsAndResources({ handles, limits, policy, log }),
    logic: mcpServerMachine.provide({ actors: { connection, closing, check, authorization } }),
    inputs: servers.map(inputOf),
    attach(name, actor) {
      const handle = handleOf(name);
      handle.actor = actor;
      const onChange = () => observe(handle, actor);
      actor.subscribe({ next: onChange, error: onChange, complete: onChange });
      onChange();
    },
    tools: () => merged,
    instructions: () => instructionsOf(handles.values(), limits.maxInstructionsChars),
    statuses: () =>
      [...handles].map(([name, handle]) => {
        const { lastError = null, authorizeUrl = null } = handle.actor?.getSnapshot().context ?? {};
        return {
          name,
          state: stateOf(handle),
          tools: handle.catalogue.length,
          protocol: handle.connection?.revision() ?? null,
          error: withOutput(lastError, handle.output.text()),
          authorizeUrl,
        };
      }),
    settled: () => Promise.race([allSettled.promise, waitUntil(createdMs + limits.toolsWaitMs)]),
    outputOf: (name) => handles.get(name)?.output.text() ?? null,
    async fitChange({ server, toolName }, args) {
      const offered = merged.find((tool) => tool.server === server && tool.toolName === toolName);
      if (offered === undefined)
        return {
          arguments: args,
          violation: cannotValidate(`the server "${server}" does not offer the tool "${toolName}" now`),
        };
      const fitted = await validator.fit(offered.inputSchema, args);
      return { arguments: fitted.arguments, violation: explainForApprover(fitted.result) };
    },
    validateForm: async (schema, content) => explainForForm(await validator.validate(schema, content)),
    async fitArguments(inputSchema, args) {
      const fitted = await validator.fit(inputSchema, args);
      return { arguments: fitted.arguments, violation: explainForModel(fitted.result) };
    },
    call(tool, args, options) {
      const handle = handles.get(tool.server);
      return handle === undefined
        ? Promise.resolve(notSent(tool.server, 'is not configured'))
        : makeCall(handle, tool, args, options);
    },
    async followTask(server, options) {
      const handle = handles.get(server);
      return handle === undefined
        ? { status: 'lost', text: `The MCP server "${server}" is not configured any more.` }
        : struck(handle.block, await followTask(handle, limits, options));
    },
    async cancelTask(server, taskId) {
      const handle = handles.get(server);
      if (handle === undefined) return;
      // Right after a start of Parley the server may still be connecting.
      const withinMs = limits.connectionTimeoutMs;
      const open = handle.connection ?? (await waitForConnection(handle, new AbortController().signal, withinMs));
      await open?.cancelTask(taskId);
    },
    compare(blocks) {
      const named = new Map(blocks.map((block) => [block.name, block]));
      return [...new Set([...handles.keys(), ...named.keys()])].filter(
        (name) => !isDeepStrictEqual(handles.get(name)?.block, named.get(name)),
      );
    },
    configure(blocks) {
      const before = new Map(handles);
      const names = new Set(blocks.map(({ name }) => name));
      // Capabilities are negotiated at the handshake, so a change needs a new connection.
      const capabilitiesChanged = !isDeepStrictEqual(sentCapabilities, clientFeatures.capabilities);
      sentCapabilities = clientFeatures.capabilities;
      const changed = blocks.filter(
        (block) => capabilitiesChanged || !isDeepStrictEqual(before.get(block.name)?.block, block),
      );
      for (const [name, handle] of before) {
        if (!names.has(name)) removed.add(handle);
        if (!names.has(name) || changed.some((block) => block.name === name)) handle.connection?.retire();
      }
      // Same order as in the file, as after a restart.
      handles.clear();
      for (const block of blocks) {
        const handle = before.get(block.name) ?? createServerHandle(block, authorizer.of(block), limits);
        if (!isDeepStrictEqual(handle.block, block)) handle.authorization = authorizer.of(block);
        handle.block = block;
        handles.set(block.name, handle);
        handle.callQueue.grantWaiting();
      }
      if (!isDeepStrictEqual(listing, listingLimits(limits)))
        for (const { connection: open } of handles.values()) open?.refreshLists();
      listing = listingLimits(limits);
      merge('tools');
      return {
        add: blocks.filter(({ name }) => !before.has(name)).map(inputOf),
        remove: [...before.keys()].filter((name) => !names.has(name)),
        restart: changed.map(({ name }) => name).filter((name) => before.has(name)),
      };
    },
    async close() {
      const closed = [...handles.values(), ...removed].flatMap(({ connection: open, closings }) => [
        ...closings,
        ...(open === null ? [] : [open.close()]),
      ]);
      await Promise.allSettled([...closed, authorizer.close(), validator.close()]);
      reaper.close();
    },
  };
}
