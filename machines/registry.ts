/**
 * The registry statechart: the life of the server. It owns the writer and the MCP servers as actors,
 * decides when conversations may run, and keeps their crash budgets. The conversations themselves are
 * root actors in a Map beside it: a parent pays for every child it has, on every spawn and stop.
 */
import { fromCallback, fromPromise, setup, type ActorRefFrom, type EventObject } from 'xstate';
import type { McpServerInput } from './mcp-server-types.ts';
import { mcpServerMachine } from './mcp-server.ts';
import { providedAtBoot } from './provided-at-boot.ts';
import { writerMachine } from './writer.ts';

export interface RegistryLimits {
  /** So many crashes within the window, and a conversation stays closed until the window has passed. */
  crashes: number;
  crashWindowMs: number;
  /** How long running turns may take to end after a signal. */
  drainTimeoutMs: number;
}

export interface ServerChanges {
  add: readonly McpServerInput[];
  remove: readonly string[];
  restart: readonly string[];
}

export interface RegistryInput {
  servers: readonly McpServerInput[];
  limits: RegistryLimits;
}

export interface RegistryContext extends RegistryInput {
  /** The actor of each MCP server, by name. */
  mcpServers: Readonly<Record<string, ActorRefFrom<typeof mcpServerMachine>>>;
  /** Times of recent crashes by conversation, in ms; only conversations that crash are here. */
  crashes: Readonly<Record<string, readonly number[]>>;
}

export type RegistryEvent =
  | { type: 'conversation.crashed'; key: string; atMs: number }
  /** The servers' file has changed: servers to connect to, to leave, and to connect to anew, by name. */
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
  },
  actors: {
    writer: writerMachine,
    mcpServer: mcpServerMachine,
    /** Resolves when the store is open and the first round of MCP connects is over or has taken long enough; rejects when the store refuses. */
    startup: fromPromise<void>(providedAtBoot),
    /** Asks idle conversations to passivate, now and then. */
    sweep: fromCallback<EventObject>(providedAtBoot),
    /** Tells conversations, passivated ones too, that people's time to answer is up. */
    expiry: fromCallback<EventObject>(providedAtBoot),
    /** Takes up the turns that the last run left without an end, a few conversations at a time. */
    recovery: fromPromise<void>(providedAtBoot),
    /** Asks every conversation to end its turn; resolves when none is left. */
    drainConversations: fromPromise<void>(providedAtBoot),
    /** Sends sockets away: the idle ones at once, each other one when its turns are done. */
    dismissal: fromCallback<EventObject>(providedAtBoot),
    /** Stops what has not ended by itself and closes the store and what is left of the MCP servers; resolves when all is flushed. */
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
    /** A server that leaves closes its connections by itself; nothing has to wait for that. */
    changeServers: registrySetup.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'registry.servers') return;
      const { add, remove, restart } = event;
      for (const [names, type] of [
        [remove, 'server.drain'],
        [restart, 'server.reconfigured'],
      ] as const) {
        for (const name of names) {
          const server = context.mcpServers[name];
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
    /** Conversations whose crashes have all aged out are forgotten. */
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

/** What each state is for stands in its description. */
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
        // A configuration is reloaded only by a server that serves.
        'registry.servers': {},
        'registry.shutdown': 'closing',
      },
    },
    serving: {
      description: 'Conversations run; in no other state is one opened.',
      invoke: [
        { id: 'sweep', src: 'sweep', onDone: 'draining', onError: 'draining' },
        { id: 'expiry', src: 'expiry', onDone: 'draining', onError: 'draining' },
        // A conversation that could not be taken up now is, with its next frame.
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
        'No new turns and no new sockets; running turns end, within a limit. A socket goes as soon as nothing more comes over it.',
      invoke: [
        { id: 'drain', src: 'drainConversations', onDone: 'closing', onError: 'closing' },
        // A socket that is not sent away now is closed with the rest.
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
      description: 'Nothing that was started is left running when this is over.',
      entry: 'drainServers',
      invoke: { id: 'close', src: 'closeAll', onDone: 'stopped', onError: 'stopped' },
      on: { 'conversation.crashed': {}, 'registry.servers': {}, 'registry.shutdown': {} },
    },
    stopped: { description: 'All is flushed and closed.', type: 'final' },
  },
});
