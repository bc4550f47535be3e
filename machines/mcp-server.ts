/**
 * Defines the chart of one configured MCP server, shared by all conversations: connect, serve, reconnect. The provided
 * actor `connection` runs while the chart is in `open`. The chart decides when to wake, to give up and to drain. People
 * see the state names.
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

/** The wait before reconnect number `attempts` (from 1): doubled and capped; the jitter takes off up to half. */
export function reconnectDelayMs({
  limits,
  attempts,
  jitter,
}: Pick<McpServerContext, 'limits' | 'attempts' | 'jitter'>): number {
  const cappedMs = Math.min(limits.initialBackoffMs * 2 ** Math.max(0, attempts - 1), limits.maxBackoffMs);
  return Math.round(cappedMs * (0.5 + jitter / 2));
}

/** Some servers require more scopes in a second step. A third authorization would be rejected as well. */
const AUTHORIZATIONS_IN_A_ROW = 2;

const mcpServerSetup = setup({
  types: {
    context: {} as McpServerContext,
    events: {} as McpServerEvent,
    input: {} as McpServerInput,
  },
  actors: {
    /** Opens the client, reports ready, changed and lost, and closes when it is stopped. */
    connection: fromCallback<McpServerEvent, { name: string }>(providedAtBoot),
    /** Resolves when all connections of this server are closed. The provider bounds it. */
    closing: fromPromise<void, { name: string }>(providedAtBoot),
    /** Rejects if the server does not answer. The provider bounds it. */
    check: fromPromise<void, CheckInput>(providedAtBoot),
    /** Resolves when a person has authorized the server. Sends `server.authorizeUrl`. Rejects with an Error whose message is fit for people. */
    authorization: fromPromise<void, { name: string }>(providedAtBoot),
  },
  delays: {
    connectionTimeout: ({ context }) => context.limits.connectionTimeoutMs,
    startTimeout: ({ context }) => context.limits.startTimeoutMs,
    backoff: ({ context }) => reconnectDelayMs(context),
    failedRetry: ({ context }) => context.limits.failedRetryMs,
    healthInterval: ({ context }) => context.limits.healthIntervalMs,
    authorizationTimeout: ({ context }) => context.limits.authorizationTimeoutMs,
  },
  guards: {
    mayReconnect: ({ context }) => context.attempts < context.limits.maxReconnectAttempts,
    mayStartSlowly: ({ context: { limits } }) => limits.startTimeoutMs > limits.connectionTimeoutMs,
    mayAuthorize: ({ context }) => context.authorizations < AUTHORIZATIONS_IN_A_ROW,
  },
  actions: {
    countAttempt: assign({ attempts: ({ context }) => context.attempts + 1 }),
    noteLoss: assign(({ event }) =>
      event.type === 'server.lost' ? { lastError: event.reason, jitter: event.jitter } : {},
    ),
    noteTimeout: assign({
      lastError: ({ context: { limits } }) =>
        `no answer within ${limits.startTimeoutMs / 1000} s (${limits.startTimeoutKey})`,
    }),
    noteSlowStart: assign({
      lastError: ({ context: { limits } }) =>
        `is still starting: no answer within ${limits.connectionTimeoutMs / 1000} s (mcp.connection.connection_timeout), Parley waits up to ${limits.startTimeoutMs / 1000} s (${limits.startTimeoutKey})`,
    }),
    noteSilence: assign({ lastError: 'did not answer a health check' }),
    noteFault: assign({ lastError: 'the connection failed inside Parley; see the server log' }),
    noteUnauthorized: assign({ lastError: 'needs a person to sign in with a browser' }),
    noteUselessToken: assign({ lastError: 'rejects the authorization that it has just issued' }),
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

/** Late events of a closed connection or of an aborted authorization. They are ignored. */
const lateEvents = {
  'server.ready': {},
  'server.changed': {},
  'server.lost': {},
  'server.suspect': {},
  'server.unauthorized': {},
  'server.authorizeUrl': {},
} as const;

/** The transitions after any loss of the connection. */
const afterLoss = (note: 'noteLoss' | 'noteTimeout' | 'noteSilence' | 'noteFault') => [
  { guard: 'mayReconnect' as const, target: '#mcpServer.backingOff', actions: [note, 'countAttempt'] as const },
  { target: '#mcpServer.failed', actions: [note] as const },
];

/** Invokes a health check. */
const healthCheck = (suspected: boolean) => ({
  invoke: {
    id: 'check',
    src: 'check' as const,
    input: ({ context }: { context: McpServerContext }) => ({ name: context.name, suspected }),
    onDone: 'healthy',
    onError: afterLoss('noteSilence'),
  },
});

/** The chart. src/mcp provides its actors. */
export const mcpServerMachine = mcpServerSetup.createMachine({
  id: 'mcpServer',
  description: 'The life of one configured MCP server, shared by all conversations: connect, serve, reconnect.',
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
      description: 'A connection is open or being opened.',
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
        // From an aborted authorization.
        'server.authorizeUrl': {},
        'server.reconfigured': 'restarting',
        'server.drain': 'draining',
        // One connection at a time: the waiting call gets this one.
        'server.wake': {},
      },
      states: {
        connecting: {
          description: 'Parley opens the connection and reads the catalogue, within the start timeout of the server.',
          initial: 'starting',
          after: { startTimeout: afterLoss('noteTimeout') },
          on: {
            'server.ready': { target: 'ready', actions: 'takeCatalogue' },
            // No list is offered yet. `ready` brings the newest one.
            'server.changed': {},
            // No call can have been sent.
            'server.suspect': {},
          },
          states: {
            starting: {
              description: 'The server has not answered yet.',
              after: { connectionTimeout: { guard: 'mayStartSlowly', target: 'slow', actions: 'noteSlowStart' } },
            },
            slow: {
              description:
                'The server has not answered within `mcp.connection.connection_timeout`. It may have to be fetched first, so Parley waits on and says so.',
            },
          },
        },
        ready: {
          description: 'The server takes calls. When it reports a change, the whole catalogue is replaced.',
          initial: 'healthy',
          on: {
            'server.changed': { actions: 'takeCatalogue' },
            // A connection reports it once.
            'server.ready': {},
          },
          states: {
            healthy: {
              description: 'No sign of trouble. The next health check is due after `mcp.connection.health_interval`.',
              after: { healthInterval: 'checking' },
              on: { 'server.suspect': 'verifying' },
            },
            checking: {
              description: 'A periodic health check is running.',
              ...healthCheck(false),
              on: { 'server.suspect': 'verifying' },
            },
            // One ping at a time: further aborted calls must not restart the check.
            verifying: {
              description: 'A call was aborted, so the server may hang: a health check is running.',
              ...healthCheck(true),
              on: { 'server.suspect': {} },
            },
          },
        },
      },
    },
    authorizing: {
      description: 'A person has to sign in. After `mcp.authorization.timeout` a new link is made.',
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
        // A call cannot speed up a person.
        'server.wake': {},
        ...lateEvents,
        'server.authorizeUrl': { actions: 'noteAddress' },
      },
    },
    backingOff: {
      description:
        'The connection is lost. The next attempt follows after a wait that doubles, or with a call. The tools stay offered.',
      after: { backoff: 'open' },
      on: {
        'server.wake': 'open',
        'server.reconfigured': 'restarting',
        'server.drain': 'draining',
        ...lateEvents,
      },
    },
    failed: {
      description: 'Many attempts have failed, so the next ones are rare. A call still wakes the server.',
      entry: 'forgetAuthorizations',
      after: { failedRetry: 'open' },
      on: {
        'server.wake': 'open',
        'server.reconfigured': 'restarting',
        'server.drain': 'draining',
        ...lateEvents,
      },
    },
    restarting: {
      description:
        'The configuration of the server has changed. Its connections are closed, within `mcp.connection.connection_timeout`; then Parley connects with the new configuration. The tools stay offered.',
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
        // The next connection takes the newest configuration anyway.
        'server.reconfigured': {},
        'server.wake': {},
        'server.drain': 'draining',
        ...lateEvents,
      },
    },
    draining: {
      description: 'The remaining connections are closed.',
      invoke: {
        id: 'closing',
        src: 'closing',
        input: ({ context }) => ({ name: context.name }),
        onDone: 'stopped',
        onError: 'stopped',
      },
      on: {
        // The server is being removed: no event changes that.
        ...lateEvents,
        'server.wake': {},
        'server.reconfigured': {},
        'server.drain': {},
      },
    },
    stopped: { description: 'All connections are closed.', type: 'final' },
  },
});

type OpenState = Exclude<StateValueFrom<typeof mcpServerMachine>, string>['open'];

function isConnecting(open: OpenState): open is { connecting: 'starting' | 'slow' } {
  return typeof open === 'object' && 'connecting' in open;
}

/** Whether a server takes longer to start than `connectionTimeoutMs`. */
export function startsSlowly(value: StateValueFrom<typeof mcpServerMachine>): boolean {
  return typeof value !== 'string' && isConnecting(value.open) && value.open.connecting === 'slow';
}

/** Maps a state of the chart to the state that people see. Health checks do not show. */
export function serverState(value: StateValueFrom<typeof mcpServerMachine>): McpServerState {
  if (typeof value !== 'string') return isConnecting(value.open) ? 'connecting' : 'ready';
  return value === 'open' ? 'connecting' : value;
}
