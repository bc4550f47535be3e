/**
 * Implements the port of the MCP servers, and provides the actors of their charts. It joins each server's chart
 * (machines/mcp-server.ts), which decides when to connect, with its connection, which makes the calls. No SDK type
 * leaves this folder.
 */
import { isDeepStrictEqual } from 'node:util';
import { fromCallback, fromPromise } from 'xstate';
import type { CheckInput, McpServerEvent, McpServerInput, McpServerLimits } from '../../machines/mcp-server-types.ts';
import { mcpServerMachine } from '../../machines/mcp-server.ts';
import type { ServerChanges } from '../../machines/registry.ts';
import { AppError } from '../errors.ts';
import { notSent, reasonOf } from './connection/call-end.ts';
import { fairShare, mergeCatalogues } from './catalogue.ts';
import { createAuthorizer, type AuthorizerOptions } from './oauth/authorizer.ts';
import { openMcpConnection } from './connection/connection.ts';
import type { McpConnectionLimits } from './connection/connection.ts';
import { createChildReaper } from './transport/child-reaper.ts';
import { createClientFeatures, type ClientFeaturesOptions } from './server-requests/client-features.ts';
import { createPromptsAndResources, type PromptsAndResources } from './prompts-and-resources.ts';
import { followTask, type TaskLimits } from './task-follower.ts';
import { makeCall, createServerHandle, stateOf, waitForConnection } from './server-handle.ts';
import { createArgumentValidator } from './validation/argument-validator.ts';
import { cannotValidate, explainForApprover, explainForForm, explainForModel } from './validation/explain-result.ts';
import type { Tool, McpServers } from './port.ts';
import type { ServerBlock } from './config/server-block.ts';
import type { ServerHandle, ServerActor } from './server-handle.ts';

export interface McpServersLimits extends McpServerLimits, McpConnectionLimits, TaskLimits {
  /** Concurrent calls of one server, unless its block has a limit of its own. */
  maxConcurrent: number;
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
  /** Closes the remaining connections and the child reaper. */
  close(): Promise<void>;
}

/** The limits that apply when a list is read: a change of them reads all lists again. */
function listingLimits({ maxTools, maxDescriptionChars, maxSchemaBytes, maxListed }: McpServersLimits) {
  return { maxTools, maxDescriptionChars, maxSchemaBytes, maxListed };
}

/** Connects nothing yet: spawn `logic` with each of `inputs`, and `attach` the actor. */
export function createMcpServers({
  servers,
  limits,
  authorization: authorizerOptions,
  clientVersion,
  clientFeatures: featureOptions,
  log,
}: McpServersOptions): McpServersHost {
  const authorizer = createAuthorizer(authorizerOptions, limits);
  const handles = new Map(
    servers.map((block) => [block.name, createServerHandle(block, authorizer.of(block), limits)]),
  );
  /** Servers that were removed from the configuration and are still closing. */
  const removed = new Set<ServerHandle>();
  const reaper = createChildReaper((error) => log('child-reaper', `could not be started: ${error.message}`));
  const allSettled = Promise.withResolvers<void>();
  if (handles.size === 0) allSettled.resolve();
  const validator = createArgumentValidator();
  const clientFeatures = createClientFeatures(featureOptions);
  let merged: readonly Tool[] = [];
  let sentCapabilities = clientFeatures.capabilities;
  let listing = listingLimits(limits);

  const inputOf = ({ name }: ServerBlock): McpServerInput => ({ name, limits });
  const handleOf = (name: string): ServerHandle => {
    const handle = handles.get(name) ?? [...removed].findLast(({ block }) => block.name === name);
    if (handle === undefined) throw new AppError('internal', `no MCP server is called "${name}"`);
    return handle;
  };

  const connection = fromCallback<McpServerEvent, { name: string }>(({ input, sendBack }) => {
    const handle = handleOf(input.name);
    const opened = openMcpConnection(handle.block, {
      limits,
      reaper,
      authorization: handle.authorization,
      clientVersion,
      clientFeatures,
      log: (line, level) => log(input.name, line, level),
      ready(catalogue) {
        handle.connection = opened;
        sendBack({ type: 'server.ready', catalogue });
      },
      changed: (catalogue) => sendBack({ type: 'server.changed', catalogue }),
      lost(reason) {
        handle.connection = null;
        sendBack({ type: 'server.lost', reason, jitter: Math.random() });
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
        .catch((error: unknown) => log(input.name, `closing failed: ${reasonOf(error)}`))
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
      throw new Error(reasonOf(error), { cause: error });
    }
  });

  const merge = (newest: string) => {
    const offered = mergeCatalogues([...handles].map(([name, each]) => [name, each.catalogue] as const));
    if (offered.length > limits.maxTools)
      log(newest, `all servers together list ${offered.length} tools; only ${limits.maxTools} are offered`);
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
    promptsAndResources: createPromptsAndResources({ handles: handles, limits, log }),
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
    statuses: () =>
      [...handles].map(([name, handle]) => {
        const { lastError = null, authorizeUrl = null } = handle.actor?.getSnapshot().context ?? {};
        return {
          name,
          state: stateOf(handle),
          tools: handle.catalogue.length,
          protocol: handle.connection?.revision() ?? null,
          error: lastError,
          authorizeUrl,
        };
      }),
    settled: () => allSettled.promise,
    async validateChange({ server, toolName }, args) {
      const offered = merged.find((tool) => tool.server === server && tool.toolName === toolName);
      return offered
        ? explainForApprover(await validator.validate(offered.inputSchema, args))
        : cannotValidate(`the server "${server}" does not offer the tool "${toolName}" now`);
    },
    validateForm: async (schema, content) => explainForForm(await validator.validate(schema, content)),
    validateArguments: async (inputSchema, args) => explainForModel(await validator.validate(inputSchema, args)),
    call(tool, args, options) {
      const handle = handles.get(tool.server);
      return handle === undefined
        ? Promise.resolve(notSent(tool.server, 'is not configured'))
        : makeCall(handle, tool, args, options);
    },
    followTask(server, options) {
      const handle = handles.get(server);
      return handle === undefined
        ? Promise.resolve({ status: 'lost', text: `The MCP server "${server}" is not configured any more.` })
        : followTask(handle, limits, options);
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
      for (const [name, handle] of before) if (!names.has(name)) removed.add(handle);
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
