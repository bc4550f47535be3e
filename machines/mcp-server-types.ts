/**
 * What the chart of an MCP server remembers, hears and is told to keep to, and a tool as its server lists it. Types only.
 */

/** A tool as its server lists it; the merged catalogue gives it the name that models see. */
export interface ServerTool {
  name: string;
  /** For people; null where it has none. */
  title: string | null;
  description: string;
  /** JSON Schema, as the server wrote it but for what nobody could see. */
  inputSchema: Record<string, unknown>;
  /** The hints that its server gives, by the MCP's names for them. */
  annotations: Readonly<Record<string, boolean>>;
  /** The server declares that a repeat changes nothing (`readOnlyHint` or `idempotentHint`). */
  idempotent: boolean;
  effect: ToolEffect;
  /** A mark of all that it says of itself: what a person has agreed to is this, not its name. */
  definition: string;
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
  /** Between two tries of a server that counts as failed, in ms. */
  failedRetryMs: number;
  /** Between two health checks of a server that is ready, in ms. */
  healthIntervalMs: number;
  /** For a person to authorize the server before the address to do it is made anew, in ms. */
  authorizationTimeoutMs: number;
}

export interface McpServerInput {
  name: string;
  /** The same object for all servers; a reload of the configuration replaces its values. */
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
  /** Where a person can authorize the server; null unless it waits for that. */
  authorizeUrl: string | null;
  /** Authorizations in a row after which the server has not been ready. */
  authorizations: number;
}

export type McpServerEvent =
  | { type: 'server.ready'; catalogue: readonly ServerTool[] }
  | { type: 'server.changed'; catalogue: readonly ServerTool[] }
  | { type: 'server.lost'; reason: string; jitter: number }
  /** A call was given up: the server may hang. */
  | { type: 'server.suspect' }
  /** The server lets nobody in whom no person has authorized. */
  | { type: 'server.unauthorized' }
  /** What a person has to open. */
  | { type: 'server.authorizeUrl'; url: string }
  /** A tool call is waiting for this server. */
  | { type: 'server.wake' }
  /** Its block in the servers' file has changed. */
  | { type: 'server.reconfigured' }
  | { type: 'server.drain' };

/** Of a health check: one that is due is spared a server that is at work on calls, one that follows a suspicion is not. */
export interface CheckInput {
  name: string;
  suspected: boolean;
}

/** Where a server stands, in the one word that people are told. */
export type McpServerState =
  | 'connecting'
  | 'ready'
  | 'authorizing'
  | 'backingOff'
  | 'failed'
  | 'restarting'
  | 'draining'
  | 'stopped';
