/**
 * Declares context, events and limits of the chart of an MCP server, and a tool as its server lists it. Types only.
 */

/** A tool as its server lists it. The merged catalogue gives it the name that models see. */
export interface ServerTool {
  name: string;
  /** For people. Null if none. */
  title: string | null;
  description: string;
  /** JSON Schema as the server sent it, with sanitized texts. */
  inputSchema: Record<string, unknown>;
  /** The server's hints, by MCP's names. */
  annotations: Readonly<Record<string, boolean>>;
  /** True if the server declares that a repeat changes nothing (`readOnlyHint` or `idempotentHint`). */
  idempotent: boolean;
  effect: ToolEffect;
  /** A hash of the whole definition: a person approves this, not the name. */
  definition: string;
}

/**
 * A tool's effect as its server declares it, which may be wrong. MCP's default: a tool that is not read-only may be
 * destructive unless the server denies it.
 */
export type ToolEffect = 'read_only' | 'additive' | 'destructive';

/** Times of one server, in ms. */
export interface McpServerLimits {
  /** After it, a server that has not answered yet is reported as slow, and a connection that is being closed is given up. In ms. */
  connectionTimeoutMs: number;
  /** From opening the connection to its catalogue, in ms. Each server has its own. */
  startTimeoutMs: number;
  /** The keys that set it, for people. */
  startTimeoutKey: string;
  /** The first wait before a reconnect, in ms; it doubles with each attempt. */
  initialBackoffMs: number;
  maxBackoffMs: number;
  /** Consecutive reconnects before the server counts as failed. A waiting call still wakes it. */
  maxReconnectAttempts: number;
  /** Between two attempts to connect to a failed server, in ms. */
  failedRetryMs: number;
  /** Between two health checks of a server that is ready, in ms. */
  healthIntervalMs: number;
  /** How long a person may take to authorize the server before a new link is made, in ms. */
  authorizationTimeoutMs: number;
}

/** What the actor of a server starts with. */
export interface McpServerInput {
  name: string;
  /** A reload of the configuration replaces its values. */
  limits: McpServerLimits;
}

/** What the chart of one server knows. */
export interface McpServerContext extends McpServerInput {
  /** Consecutive reconnects since the server was last ready. */
  attempts: number;
  /** What is wrong, fit for people. Null if nothing is. */
  lastError: string | null;
  /** Random number from 0 to 1, so that servers that fail together do not reconnect together. */
  jitter: number;
  /** Kept while the server is not connected: its tools stay offered, and a call wakes it. */
  catalogue: readonly ServerTool[];
  /** The page where a person can authorize the server. Null unless the chart is in `authorizing`. */
  authorizeUrl: string | null;
  /** Consecutive authorizations without reaching `ready`. */
  authorizations: number;
}

/** Events of the connection, of the registry and of people who sign in. */
export type McpServerEvent =
  | { type: 'server.ready'; catalogue: readonly ServerTool[] }
  | { type: 'server.changed'; catalogue: readonly ServerTool[] }
  | { type: 'server.lost'; reason: string; jitter: number }
  /** A call was aborted: the server may hang. */
  | { type: 'server.suspect' }
  /** A person has to authorize Parley first. */
  | { type: 'server.unauthorized' }
  /** The page that a person has to open. */
  | { type: 'server.authorizeUrl'; url: string }
  /** A tool call is waiting for this server. */
  | { type: 'server.wake' }
  /** The server's block in the configuration has changed. */
  | { type: 'server.reconfigured' }
  | { type: 'server.drain' };

/** A periodic health check skips a server with running calls. A check after a suspicion does not. */
export interface CheckInput {
  name: string;
  suspected: boolean;
}

/** The state of a server as people see it. */
export type McpServerState =
  | 'connecting'
  | 'ready'
  | 'authorizing'
  | 'backingOff'
  | 'failed'
  | 'restarting'
  | 'draining'
  | 'stopped';
