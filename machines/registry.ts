/**
 * Defines the registry statechart: the life of the server. The registry owns the writer and the MCP servers as actors,
 * decides when conversations may run, and keeps their crash budgets. The conversations are root actors in a Map beside
 * it, because the cost of a spawn or stop grows with the number of a parent's children.
 */
import { fromCallback, fromPromise, setup, type ActorRefFrom, type EventObject } from 'xstate';
import type { McpServerInput } from './mcp-server-types.ts';
import { mcpServerMachine } from './mcp-server.ts';
import { providedAtBoot } from './provided-at-boot.ts';
import { writerMachine } from './writer.ts';

/** The crash budget and the longest drain. Times in ms. */
export interface RegistryLimits {
  /** After this many crashes within the window a conversation stays closed until the window has passed. */
  crashes: number;
  crashWindowMs: number;
  /** Time that running turns have to end after a signal. */
  drainTimeoutMs: number;
}

/** What a reload changes in the list of MCP servers. */
export interface ServerChanges {
  add: readonly McpServerInput[];
  remove: readonly string[];
  restart: readonly string[];
}

/** What the registry's actor starts with. */
export interface RegistryInput {
  servers: readonly McpServerInput[];
  limits: RegistryLimits;
}

/** What the registry's chart knows. */
export interface RegistryContext extends RegistryInput {
  /** The actor of each MCP server, by name. */
  mcpServers: Readonly<Record<string, ActorRefFrom<typeof mcpServerMachine>>>;
  /** Times of recent crashes by conversation, in ms; only conversations that crash are here. */
  crashes: Readonly<Record<string, readonly number[]>>;
}

/** Every event of the registry's chart. */
export type RegistryEvent =
  | { type: 'conversation.crashed'; key: string; atMs: number }
  /** The servers' file has changed: names of servers to add, to remove and to restart. */
  | ({ type: 'registry.servers' } & ServerChanges)
  | { type: 'registry.shutdown' };

function recent(times: readonly number[] | undefined, { limits }: RegistryContext, atMs: number): readonly number[] {
  return (times ?? []).filter((time) => time > atMs - limits.crashWindowMs);
}

/** How long a conversation that has used up its crash budget stays closed, in ms; 0 when it may open. */
export function coolingMs(context: RegistryContext, key: string, atMs: number): number {
  const times = recent(context.crashes[key], context, atMs);
  const oldest = times[0];
  return oldest !== undefined && times.length >= context.limits.crashes
    ? oldest + context.limits.crashWindowMs - atMs
    : 0;
}

const registrySetup = setup({
  types: {
    context: {} as RegistryContext,
    events: {} as RegistryEvent,
    input: {} as RegistryInput,
    children: {} as { writer: 'writer' },
  },
  actors: {
    writer: writerMachine,
    mcpServer: mcpServerMachine,
    /** Resolves when the store is open and the first round of MCP connects has ended or timed out. Rejects if the store does not open. */
    startup: fromPromise<void>(providedAtBoot),
    /** Asks idle conversations to passivate, at an interval. */
    sweep: fromCallback<EventObject>(providedAtBoot),
    /** Notifies conversations of expired interrupts, passivated conversations too. */
    expiry: fromCallback<EventObject>(providedAtBoot),
    /** Resumes the turns that the last run left without an end, a few conversations at a time. */
    recovery: fromPromise<void>(providedAtBoot),
    /** Asks every conversation to end its turn. Resolves when none is left. */
    drainConversations: fromPromise<void>(providedAtBoot),
    /** Closes sockets: idle ones at once, each other one when its turns are done. */
    dismissal: fromCallback<EventObject>(providedAtBoot),
    /** Stops conversations that have not ended, then closes the store and the MCP servers. Resolves when all is flushed. */
    closeAll: fromPromise<void>(providedAtBoot),
  },
  delays: {
    drainTimeout: ({ context }) => context.limits.drainTimeoutMs,
  },
});

const registry = registrySetup.extend({
  actions: {
    spawnWriter: registrySetup.spawnChild('writer', { id: 'writer', input: undefined }),
    spawnServers: registrySetup.assign({
      mcpServers: ({ context, spawn }) =>
        Object.fromEntries(
          context.servers.map((input) => [input.name, spawn('mcpServer', { id: `mcp:${input.name}`, input })]),
        ),
    }),
    /** A removed server closes its connections by itself. Nothing waits for that. */
    changeServers: registrySetup.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'registry.servers') return;
      const { add, remove, restart } = event;
      for (const [names, type] of [
        [remove, 'server.drain'],
        [restart, 'server.reconfigured'],
      ] as const) {
        for (const name of names) {
          const server = Object.hasOwn(context.mcpServers, name) ? context.mcpServers[name] : undefined;
          if (server) enqueue.sendTo(server, { type });
        }
      }
      enqueue.assign({
        mcpServers: ({ spawn }) => ({
          ...Object.fromEntries(Object.entries(context.mcpServers).filter(([name]) => !remove.includes(name))),
          ...Object.fromEntries(
            add.map((input) => [input.name, spawn('mcpServer', { id: `mcp:${input.name}`, input })]),
          ),
        }),
      });
    }),
    drainServers: registrySetup.enqueueActions(({ context, enqueue }) => {
      for (const server of Object.values(context.mcpServers)) enqueue.sendTo(server, { type: 'server.drain' });
    }),
    /** Drops conversations whose crashes are all older than the window. */
    countCrash: registrySetup.assign(({ context, event }) => {
      if (event.type !== 'conversation.crashed') return {};
      const kept = Object.entries(context.crashes)
        .map(([key, times]) => [key, recent(times, context, event.atMs)] as const)
        .filter(([key, times]) => key !== event.key && times.length > 0);
      const times = [...recent(context.crashes[event.key], context, event.atMs), event.atMs];
      return { crashes: Object.fromEntries([...kept, [event.key, times]]) };
    }),
  },
});

/** Each state has a description. */
export const registryMachine = registry.createMachine({
  id: 'registry',
  description:
    'The life of the server, from its start to its last flush. It owns the writer and the MCP servers; conversations are root actors beside it.',
  context: ({ input }) => ({ ...input, mcpServers: {}, crashes: {} }),
  initial: 'booting',
  states: {
    booting: {
      description:
        'Opens the store and connects the MCP servers. Ends in `closing` when the store refuses to open, or when the server is stopped before it serves.',
      entry: ['spawnWriter', 'spawnServers'],
      invoke: { id: 'startup', src: 'startup', onDone: 'serving', onError: 'closing' },
      on: {
        'conversation.crashed': { actions: 'countCrash' },
        // Only a server in `serving` reloads its configuration.
        'registry.servers': {},
        'registry.shutdown': 'closing',
      },
    },
    serving: {
      description: 'Conversations run. No other state opens one.',
      invoke: [
        { id: 'sweep', src: 'sweep', onDone: 'draining', onError: 'draining' },
        { id: 'expiry', src: 'expiry', onDone: 'draining', onError: 'draining' },
        // A conversation that could not be resumed now resumes with its next frame.
        { id: 'recovery', src: 'recovery', onDone: {}, onError: {} },
      ],
      on: {
        'conversation.crashed': { actions: 'countCrash' },
        'registry.servers': { actions: 'changeServers' },
        'registry.shutdown': 'draining',
      },
    },
    draining: {
      description:
        'No new turns and no new sockets. Running turns end, within a limit. A socket is closed as soon as it has nothing more to send.',
      invoke: [
        { id: 'drain', src: 'drainConversations', onDone: 'closing', onError: 'closing' },
        // A socket that is not closed now is closed with the rest.
        { id: 'dismissal', src: 'dismissal', onDone: {}, onError: {} },
      ],
      after: { drainTimeout: 'closing' },
      on: {
        'conversation.crashed': { actions: 'countCrash' },
        'registry.servers': {},
        'registry.shutdown': {},
      },
    },
    closing: {
      description: 'Stops everything that was started.',
      entry: 'drainServers',
      invoke: { id: 'close', src: 'closeAll', onDone: 'stopped', onError: 'stopped' },
      on: { 'conversation.crashed': {}, 'registry.servers': {}, 'registry.shutdown': {} },
    },
    stopped: { description: 'Everything is flushed and closed.', type: 'final' },
  },
});
