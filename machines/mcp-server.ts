/**
 * The life of one configured MCP server, shared by all conversations: connect, serve, come back.
 * The connection itself is the provided actor `connection`, which runs as long as the chart is in
 * `open`; waking, giving up and draining are decided here. State names are shown to people.
 */
import { assign, fromCallback, fromPromise, setup } from 'xstate';

/** A tool as its server lists it; the merged catalogue gives it the name that models see. */
export interface ServerTool {
  name: string;
  description: string;
  /** JSON Schema, as the server wrote it. */
  inputSchema: Record<string, unknown>;
  /** The server declares that a repeat changes nothing (`readOnlyHint` or `idempotentHint`). */
  harmless: boolean;
  effect: ToolEffect;
}

/**
 * What a tool does to the world by its server's own word, which may be wrong. As the MCP has it: one that is not said
 * to be read-only may destroy unless the opposite is said.
 */
export type ToolEffect = 'read_only' | 'additive' | 'destructive';

export interface McpServerLimits {
  /** From opening the connection to its catalogue, in ms. */
  connectionTimeoutMs: number;
  /** The first wait before a reconnect, in ms; it doubles with each attempt. */
  initialBackoffMs: number;
  maxBackoffMs: number;
  /** Reconnects in a row before the server counts as failed; a waiting call still wakes it. */
  maxReconnectAttempts: number;
}

export interface McpServerInput {
  name: string;
  limits: McpServerLimits;
}

export interface McpServerContext extends McpServerInput {
  /** Reconnects in a row that have been planned since the server was last ready. */
  attempts: number;
  /** What is wrong, fit for people; null while nothing is. */
  lastError: string | null;
  /** 0 to 1, drawn by the connection: servers that fall together must not come back together. */
  jitter: number;
  /** Kept while the server is away: its tools stay offered, and a call to one wakes it. */
  catalogue: readonly ServerTool[];
}

export type McpServerEvent =
  | { type: 'server.ready'; catalogue: readonly ServerTool[] }
  | { type: 'server.changed'; catalogue: readonly ServerTool[] }
  | { type: 'server.lost'; reason: string; jitter: number }
  /** A tool call is waiting for this server. */
  | { type: 'server.wake' }
  | { type: 'server.drain' };

const providedAtBoot = () => {
  throw new Error('provided at boot');
};

/** The wait before reconnect number `attempts` (from 1): doubled and capped, then halved at most by the jitter. */
export function reconnectDelayMs({ limits, attempts, jitter }: Pick<McpServerContext, 'limits' | 'attempts' | 'jitter'>): number {
  const cappedMs = Math.min(limits.initialBackoffMs * 2 ** Math.max(0, attempts - 1), limits.maxBackoffMs);
  return Math.round(cappedMs * (0.5 + jitter / 2));
}

const serverSetup = setup({
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
  },
  delays: {
    connectionTimeout: ({ context }) => context.limits.connectionTimeoutMs,
    backoff: ({ context }) => reconnectDelayMs(context),
  },
  guards: {
    mayReconnect: ({ context }) => context.attempts < context.limits.maxReconnectAttempts,
  },
  actions: {
    countAttempt: assign({ attempts: ({ context }) => context.attempts + 1 }),
    noteLoss: assign(({ event }) =>
      event.type === 'server.lost' ? { lastError: event.reason, jitter: event.jitter } : {},
    ),
    noteTimeout: assign({
      lastError: ({ context }) => `no answer within ${context.limits.connectionTimeoutMs / 1000} s`,
    }),
    noteFault: assign({ lastError: 'the connection failed inside Parley; the log has the details' }),
    takeCatalogue: assign(({ context, event }) => ({
      catalogue: event.type === 'server.ready' || event.type === 'server.changed' ? event.catalogue : context.catalogue,
      attempts: 0,
      lastError: null,
    })),
  },
});

/** What a connection that was just closed may still say. */
const lastWords = { 'server.ready': {}, 'server.changed': {}, 'server.lost': {} } as const;

/** Where a lost connection leads, whatever took it. */
const afterLoss = (note: 'noteLoss' | 'noteTimeout' | 'noteFault') => [
  { guard: 'mayReconnect' as const, target: '#mcpServer.backingOff', actions: [note, 'countAttempt'] as const },
  { target: '#mcpServer.failed', actions: [note] as const },
];

/**
 * `open` holds a connection (`connecting`, then `ready`), `backingOff` waits for the next, `failed` has given up
 * until a call wakes it, `draining` closes what is left, `stopped` is final.
 */
export const mcpServerMachine = serverSetup.createMachine({
  id: 'mcpServer',
  context: ({ input }) => ({ ...input, attempts: 0, lastError: null, jitter: 1, catalogue: [] }),
  initial: 'open',
  states: {
    open: {
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
        'server.drain': 'draining',
        // One connection at a time: the call that wakes waits for this one.
        'server.wake': {},
      },
      states: {
        connecting: {
          after: { connectionTimeout: afterLoss('noteTimeout') },
          on: {
            'server.ready': { target: 'ready', actions: 'takeCatalogue' },
            // Nothing is offered yet that could change; `ready` brings the newest list.
            'server.changed': {},
          },
        },
        ready: {
          on: {
            'server.changed': { actions: 'takeCatalogue' },
            // A connection says it once.
            'server.ready': {},
          },
        },
      },
    },
    backingOff: {
      after: { backoff: 'open' },
      on: {
        'server.wake': 'open',
        'server.drain': 'draining',
        ...lastWords,
      },
    },
    failed: {
      on: {
        'server.wake': 'open',
        'server.drain': 'draining',
        ...lastWords,
      },
    },
    draining: {
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
        'server.drain': {},
      },
    },
    stopped: { type: 'final' },
  },
});
