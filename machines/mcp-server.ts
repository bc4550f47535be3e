/**
 * The life of one configured MCP server, shared by all conversations: connect, serve, come back.
 * The connection itself is the provided actor `connection`, which runs as long as the chart is in
 * `open`; waking, giving up and draining are decided here. State names are shown to people.
 */
import type { StateValueFrom } from 'xstate';
import { assign, fromCallback, fromPromise, setup } from 'xstate';
import type {
  CheckInput,
  McpServerContext,
  McpServerEvent,
  McpServerInput,
  McpServerState,
} from './mcp-server-types.ts';
import { providedAtBoot } from './provided-at-boot.ts';

/** The wait before reconnect number `attempts` (from 1): doubled and capped, then halved at most by the jitter. */
export function reconnectDelayMs({
  limits,
  attempts,
  jitter,
}: Pick<McpServerContext, 'limits' | 'attempts' | 'jitter'>): number {
  const cappedMs = Math.min(limits.initialBackoffMs * 2 ** Math.max(0, attempts - 1), limits.maxBackoffMs);
  return Math.round(cappedMs * (0.5 + jitter / 2));
}

/** A server that refuses what it was given so often will refuse it again; some ask for more rights in a second step. */
const AUTHORIZATIONS_IN_A_ROW = 2;

/** What the chart is made with. */
const mcpServerSetup = setup({
  types: {
    context: {} as McpServerContext,
    events: {} as McpServerEvent,
    input: {} as McpServerInput,
  },
  actors: {
    /** Opens the client; reports ready, changed and lost; closes when it is stopped. */
    connection: fromCallback<McpServerEvent, { name: string }>(providedAtBoot),
    /** Resolves when nothing of this server's connections is left. Bounded by its provider. */
    closing: fromPromise<void, { name: string }>(providedAtBoot),
    /** Rejects when the server does not answer. Bounded by its provider. */
    check: fromPromise<void, CheckInput>(providedAtBoot),
    /** Resolves when a person has authorized the server; says with `server.authorizeUrl` what to open. Rejects with an Error whose message is fit for people. */
    authorization: fromPromise<void, { name: string }>(providedAtBoot),
  },
  delays: {
    connectionTimeout: ({ context }) => context.limits.connectionTimeoutMs,
    backoff: ({ context }) => reconnectDelayMs(context),
    failedRetry: ({ context }) => context.limits.failedRetryMs,
    healthInterval: ({ context }) => context.limits.healthIntervalMs,
    authorizationTimeout: ({ context }) => context.limits.authorizationTimeoutMs,
  },
  guards: {
    mayReconnect: ({ context }) => context.attempts < context.limits.maxReconnectAttempts,
    mayAuthorize: ({ context }) => context.authorizations < AUTHORIZATIONS_IN_A_ROW,
  },
  actions: {
    countAttempt: assign({ attempts: ({ context }) => context.attempts + 1 }),
    noteLoss: assign(({ event }) =>
      event.type === 'server.lost' ? { lastError: event.reason, jitter: event.jitter } : {},
    ),
    noteTimeout: assign({
      lastError: ({ context }) => `no answer within ${context.limits.connectionTimeoutMs / 1000} s`,
    }),
    noteSilence: assign({ lastError: 'did not answer a health check' }),
    noteFault: assign({ lastError: 'the connection failed inside Parley; the log has the details' }),
    noteUnauthorized: assign({ lastError: 'waits for somebody to authorize it in a browser' }),
    noteUselessToken: assign({ lastError: 'refuses the authorization that it was just given' }),
    noteRefusal: assign({
      lastError: ({ event }) =>
        'error' in event && event.error instanceof Error ? event.error.message : 'could not be authorized',
    }),
    noteAddress: assign(({ event }) => (event.type === 'server.authorizeUrl' ? { authorizeUrl: event.url } : {})),
    forgetAddress: assign({ authorizeUrl: null }),
    countAuthorization: assign({ authorizations: ({ context }) => context.authorizations + 1 }),
    forgetPast: assign({ attempts: 0, authorizations: 0, lastError: null }),
    forgetAuthorizations: assign({ authorizations: 0 }),
    takeCatalogue: assign(({ context, event }) => ({
      catalogue: event.type === 'server.ready' || event.type === 'server.changed' ? event.catalogue : context.catalogue,
      attempts: 0,
      authorizations: 0,
      lastError: null,
    })),
  },
});

/** What a connection that was just closed, or an authorization that was given up, may still say. */
const lastWords = {
  'server.ready': {},
  'server.changed': {},
  'server.lost': {},
  'server.suspect': {},
  'server.unauthorized': {},
  'server.authorizeUrl': {},
} as const;

/** Where a lost connection leads, whatever took it. */
const afterLoss = (note: 'noteLoss' | 'noteTimeout' | 'noteSilence' | 'noteFault') => [
  { guard: 'mayReconnect' as const, target: '#mcpServer.backingOff', actions: [note, 'countAttempt'] as const },
  { target: '#mcpServer.failed', actions: [note] as const },
];

/** A health check, and where its outcome leads. */
const answering = (suspected: boolean) => ({
  invoke: {
    id: 'check',
    src: 'check' as const,
    input: ({ context }: { context: McpServerContext }) => ({ name: context.name, suspected }),
    onDone: 'healthy',
    onError: afterLoss('noteSilence'),
  },
});

export const mcpServerMachine = mcpServerSetup.createMachine({
  id: 'mcpServer',
  description: 'The life of one configured MCP server, shared by all conversations: connect, serve, come back.',
  context: ({ input }) => ({
    ...input,
    attempts: 0,
    lastError: null,
    jitter: 1,
    catalogue: [],
    authorizeUrl: null,
    authorizations: 0,
  }),
  initial: 'open',
  states: {
    open: {
      description: 'There is a connection, or one is being made.',
      invoke: {
        id: 'connection',
        src: 'connection',
        input: ({ context }) => ({ name: context.name }),
        onDone: afterLoss('noteFault'),
        onError: afterLoss('noteFault'),
      },
      initial: 'connecting',
      on: {
        'server.lost': afterLoss('noteLoss'),
        'server.unauthorized': [
          { guard: 'mayAuthorize', target: 'authorizing', actions: 'noteUnauthorized' },
          { target: 'failed', actions: 'noteUselessToken' },
        ],
        // Of an authorization that was given up.
        'server.authorizeUrl': {},
        'server.reconfigured': 'restarting',
        'server.drain': 'draining',
        // One connection at a time: the call that wakes waits for this one.
        'server.wake': {},
      },
      states: {
        connecting: {
          description:
            'The connection is being opened and the catalogue read, within `mcp.connection.connection_timeout`.',
          after: { connectionTimeout: afterLoss('noteTimeout') },
          on: {
            'server.ready': { target: 'ready', actions: 'takeCatalogue' },
            // Nothing is offered yet that could change; `ready` brings the newest list.
            'server.changed': {},
            // No call can have been made.
            'server.suspect': {},
          },
        },
        ready: {
          description: 'Calls are made. The catalogue is swapped whole when the server says that it has changed.',
          initial: 'healthy',
          on: {
            'server.changed': { actions: 'takeCatalogue' },
            // A connection says it once.
            'server.ready': {},
          },
          states: {
            healthy: {
              description: 'No sign of trouble. The next health check is due after `mcp.connection.health_interval`.',
              after: { healthInterval: 'checking' },
              on: { 'server.suspect': 'verifying' },
            },
            checking: {
              description: 'The server is asked whether it is still there.',
              ...answering(false),
              on: { 'server.suspect': 'verifying' },
            },
            // One ping at a time: calls that are given up faster than it is awaited must not put its end off.
            verifying: {
              description: 'A call was given up for want of an answer: the server is asked whether it is still there.',
              ...answering(true),
              on: { 'server.suspect': {} },
            },
          },
        },
      },
    },
    authorizing: {
      description: 'Only a person can help. One that does not come is asked again, with a new address.',
      invoke: {
        id: 'authorization',
        src: 'authorization',
        input: ({ context }) => ({ name: context.name }),
        onDone: { target: 'open', actions: 'countAuthorization' },
        onError: { target: 'failed', actions: 'noteRefusal' },
      },
      after: { authorizationTimeout: 'open' },
      exit: 'forgetAddress',
      on: {
        'server.reconfigured': 'restarting',
        'server.drain': 'draining',
        // No call can hurry a person.
        'server.wake': {},
        ...lastWords,
        'server.authorizeUrl': { actions: 'noteAddress' },
      },
    },
    backingOff: {
      description:
        'The connection is lost; the next try comes after a wait that doubles, or with a call. Its tools stay offered.',
      after: { backoff: 'open' },
      on: {
        'server.wake': 'open',
        'server.reconfigured': 'restarting',
        'server.drain': 'draining',
        ...lastWords,
      },
    },
    failed: {
      description: 'So many tries have failed that the next ones are rare. A call still wakes it.',
      entry: 'forgetAuthorizations',
      after: { failedRetry: 'open' },
      on: {
        'server.wake': 'open',
        'server.reconfigured': 'restarting',
        'server.drain': 'draining',
        ...lastWords,
      },
    },
    restarting: {
      description:
        'The configuration of the server has changed: what is left of its connections is closed, within `mcp.connection.connection_timeout`, then it is connected to as it is configured now. Its tools stay offered.',
      entry: 'forgetPast',
      invoke: {
        id: 'closing',
        src: 'closing',
        input: ({ context }) => ({ name: context.name }),
        onDone: 'open',
        onError: 'open',
      },
      after: { connectionTimeout: 'open' },
      on: {
        // Once more while it is being closed: what is opened then has the newest configuration.
        'server.reconfigured': {},
        'server.wake': {},
        'server.drain': 'draining',
        ...lastWords,
      },
    },
    draining: {
      description: 'What is left of its connections is closed.',
      invoke: {
        id: 'closing',
        src: 'closing',
        input: ({ context }) => ({ name: context.name }),
        onDone: 'stopped',
        onError: 'stopped',
      },
      on: {
        // The server is leaving for good: nothing wakes it, and nothing it says matters.
        ...lastWords,
        'server.wake': {},
        'server.reconfigured': {},
        'server.drain': {},
      },
    },
    stopped: { description: 'Nothing of it is left.', type: 'final' },
  },
});

/** The word for a state of the chart: whether a health check is under way is nobody's business. */
export function serverState(value: StateValueFrom<typeof mcpServerMachine>): McpServerState {
  if (typeof value !== 'string') return typeof value.open === 'string' ? value.open : 'ready';
  return value === 'open' ? 'connecting' : value;
}
