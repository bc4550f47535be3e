/**
 * The tools of all MCP servers behind one port, and what the composition root needs to run the
 * servers' charts. It joins the two halves of a server: its chart (machines/mcp-server.ts), which
 * decides when to connect, and its connection, which makes the calls. No SDK type leaves this folder.
 */
import { isDeepStrictEqual } from 'node:util';
import { fromCallback, fromPromise } from 'xstate';
import type { CheckInput, McpServerEvent, McpServerInput, McpServerLimits } from '../../machines/mcp-server-types.ts';
import { mcpServerMachine } from '../../machines/mcp-server.ts';
import type { ServerChanges } from '../../machines/registry.ts';
import { AppError } from '../errors.ts';
import { createArgumentCheck } from './argument-check.ts';
import { notSent, reasonOf } from './connection/call-end.ts';
import { fairShare, mergeCatalogues } from './catalogue.ts';
import { createAuthorizer, type AuthorizerOptions } from './oauth/authorizer.ts';
import { openConnection } from './connection/connection.ts';
import type { ConnectionLimits } from './connection/connection.ts';
import { createGuard } from './transport/child-reaper.ts';
import { createHostAnswers, type HostAnswersOptions } from './server-requests/host-answers.ts';
import { createLibrary, type Library } from './library.ts';
import { makeCall } from './make-call.ts';
import type { Tool, Toolbox } from './port.ts';
import type { ServerBlock } from './config/server-block.ts';
import { createMember, stateOf } from './server-member.ts';
import type { Member, ServerActor } from './server-member.ts';
import { onAnswer, onChange, onModels, unchecked } from './verdict-words.ts';

/** How long, how often and how much. */
export interface ToolboxLimits extends McpServerLimits, ConnectionLimits {
  /** Calls that one server is at work on at once, where its block does not say. */
  maxConcurrent: number;
}

/** Limits and answers are read when they are used. */
export interface ToolboxOptions {
  /** The enabled servers. */
  servers: readonly ServerBlock[];
  limits: ToolboxLimits;
  authorization: AuthorizerOptions;
  /** Parley's, as the servers are told it. */
  clientVersion: string;
  /** What servers are answered that ask. */
  answers: HostAnswersOptions;
  /** A line of a server's stderr, or one about its connection. `warn`: something to correct in the configuration. */
  log(server: string, line: string, level?: 'warn'): void;
}

/** The port, and what runs it. */
export interface ToolboxHost extends Toolbox {
  /** What the same servers offer beside tools. */
  library: Library;
  /** The servers' chart with its actors provided. */
  logic: typeof mcpServerMachine;
  /** One for each server: the input to spawn `logic` with. */
  inputs: readonly McpServerInput[];
  /** Takes the actor of a server; called once for each, right after it was spawned. */
  attach(name: string, actor: ServerActor): void;
  /** The names of servers that these blocks add, remove or change. */
  compare(blocks: readonly ServerBlock[]): string[];
  /**
   * Takes new blocks over, and the limits as they are now. Returns what the charts have to do: spawn and attach, drain,
   * reconfigure. A server that is removed is no member from now on.
   */
  configure(blocks: readonly ServerBlock[]): ServerChanges;
  /** Closes whatever connections the charts have left, and the guard. */
  close(): Promise<void>;
}

/** What the lists of servers are cut to when they are read. */
function listingLimits({ maxTools, maxDescriptionChars, maxSchemaBytes, maxListed }: ToolboxLimits) {
  return { maxTools, maxDescriptionChars, maxSchemaBytes, maxListed };
}

/** Nothing connects before the charts run: spawn `logic` with each of `inputs`, and `attach` it. */
export function createToolbox({
  servers,
  limits,
  authorization: authorizerOptions,
  clientVersion,
  answers: answerOptions,
  log,
}: ToolboxOptions): ToolboxHost {
  const authorizer = createAuthorizer(authorizerOptions, limits);
  const members = new Map(servers.map((block) => [block.name, createMember(block, authorizer.of(block), limits)]));
  /** Removed from the configuration, and not closed yet. */
  const leaving = new Set<Member>();
  const guard = createGuard((error) => log('guard', `no guard process: ${error.message}`));
  const firstRound = Promise.withResolvers<void>();
  if (members.size === 0) firstRound.resolve();
  const checkArguments = createArgumentCheck();
  const answers = createHostAnswers(answerOptions);
  let merged: readonly Tool[] = [];
  let toldCapabilities = answers.capabilities;
  let listing = listingLimits(limits);

  const inputOf = ({ name }: ServerBlock): McpServerInput => ({ name, limits });
  const memberOf = (name: string): Member => {
    const member = members.get(name) ?? [...leaving].findLast(({ block }) => block.name === name);
    if (member === undefined) throw new AppError('internal', `no MCP server is called "${name}"`);
    return member;
  };

  const connection = fromCallback<McpServerEvent, { name: string }>(({ input, sendBack }) => {
    const member = memberOf(input.name);
    const opened = openConnection(member.block, {
      limits,
      guard,
      authorization: member.authorization,
      clientVersion,
      answers,
      log: (line, level) => log(input.name, line, level),
      ready(catalogue) {
        member.connection = opened;
        sendBack({ type: 'server.ready', catalogue });
      },
      changed: (catalogue) => sendBack({ type: 'server.changed', catalogue }),
      lost(reason) {
        member.connection = null;
        sendBack({ type: 'server.lost', reason, jitter: Math.random() });
      },
      unauthorized() {
        member.connection = null;
        sendBack({ type: 'server.unauthorized' });
      },
      suspect: () => sendBack({ type: 'server.suspect' }),
    });
    return () => {
      member.connection = null;
      const closing = opened
        .close()
        .catch((error: unknown) => log(input.name, `closing failed: ${reasonOf(error)}`))
        .finally(() => member.closings.delete(closing));
      member.closings.add(closing);
    };
  });

  const closing = fromPromise<void, { name: string }>(async ({ input }) => {
    await Promise.all(memberOf(input.name).closings);
  });

  const check = fromPromise<void, CheckInput>(async ({ input }) => {
    await memberOf(input.name).connection?.check(input.suspected);
  });

  const authorization = fromPromise<void, { name: string }>(async ({ input, signal }) => {
    const member = memberOf(input.name);
    try {
      await member.authorization?.authorize((url) => member.actor?.send({ type: 'server.asks', url }), signal);
    } catch (error) {
      throw new Error(reasonOf(error), { cause: error });
    }
  });

  const merge = (newest: string) => {
    const offered = mergeCatalogues([...members].map(([name, each]) => [name, each.catalogue] as const));
    if (offered.length > limits.maxTools)
      log(newest, `with its tools there are ${offered.length}, of which ${limits.maxTools} are offered`);
    merged = fairShare(offered, limits.maxTools);
  };

  const observe = (member: Member, actor: ServerActor) => {
    const { catalogue } = actor.getSnapshot().context;
    if (catalogue !== member.catalogue) {
      member.catalogue = catalogue;
      merge(member.block.name);
    }
    if (stateOf(member) === 'stopped') leaving.delete(member);
    member.hasSettled ||= stateOf(member) !== 'connecting';
    if ([...members.values()].every((each) => each.hasSettled)) firstRound.resolve();
    for (const look of member.waiting) look();
  };

  return {
    library: createLibrary({ members, limits, log }),
    logic: mcpServerMachine.provide({ actors: { connection, closing, check, authorization } }),
    inputs: servers.map(inputOf),
    attach(name, actor) {
      const member = memberOf(name);
      member.actor = actor;
      const look = () => observe(member, actor);
      actor.subscribe({ next: look, error: look, complete: look });
      look();
    },
    tools: () => merged,
    servers: () =>
      [...members].map(([name, member]) => {
        const { lastError = null, authorizeUrl = null } = member.actor?.getSnapshot().context ?? {};
        return {
          name,
          state: stateOf(member),
          tools: member.catalogue.length,
          protocol: member.connection?.revision() ?? null,
          error: lastError,
          authorizeUrl,
        };
      }),
    settled: () => firstRound.promise,
    check({ server, toolName }, args) {
      const offered = merged.find((tool) => tool.server === server && tool.toolName === toolName);
      return offered
        ? onChange(checkArguments(offered.inputSchema, args))
        : unchecked(`the server "${server}" does not offer the tool "${toolName}" at present`);
    },
    checkAnswer: (schema, content) => onAnswer(checkArguments(schema, content)),
    misfit: (inputSchema, args) => onModels(checkArguments(inputSchema, args)),
    call(tool, args, options) {
      const member = members.get(tool.server);
      return member === undefined
        ? Promise.resolve(notSent(tool.server, 'is not configured'))
        : makeCall(member, tool, args, options);
    },
    compare(blocks) {
      const named = new Map(blocks.map((block) => [block.name, block]));
      return [...new Set([...members.keys(), ...named.keys()])].filter(
        (name) => !isDeepStrictEqual(members.get(name)?.block, named.get(name)),
      );
    },
    configure(blocks) {
      const before = new Map(members);
      const names = new Set(blocks.map(({ name }) => name));
      // What was told at a handshake holds for the connection.
      const greetsAnew = !isDeepStrictEqual(toldCapabilities, answers.capabilities);
      toldCapabilities = answers.capabilities;
      const changed = blocks.filter((block) => greetsAnew || !isDeepStrictEqual(before.get(block.name)?.block, block));
      for (const [name, member] of before) if (!names.has(name)) leaving.add(member);
      // In the order of the file, as after a restart.
      members.clear();
      for (const block of blocks) {
        const member = before.get(block.name) ?? createMember(block, authorizer.of(block), limits);
        if (!isDeepStrictEqual(member.block, block)) member.authorization = authorizer.of(block);
        member.block = block;
        members.set(block.name, member);
        member.line.grantWaiting();
      }
      if (!isDeepStrictEqual(listing, listingLimits(limits)))
        for (const { connection: open } of members.values()) open?.listAgain();
      listing = listingLimits(limits);
      merge('tools');
      return {
        add: blocks.filter(({ name }) => !before.has(name)).map(inputOf),
        remove: [...before.keys()].filter((name) => !names.has(name)),
        restart: changed.map(({ name }) => name).filter((name) => before.has(name)),
      };
    },
    async close() {
      const closed = [...members.values(), ...leaving].flatMap(({ connection: open, closings }) => [
        ...closings,
        ...(open === null ? [] : [open.close()]),
      ]);
      await Promise.allSettled([...closed, authorizer.close()]);
      guard.close();
    },
  };
}
