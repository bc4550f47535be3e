/**
 * The port of the MCP servers: the tools that models are offered, how each server is, and how a tool is called. Types
 * only. What servers offer beside tools is the library's.
 */
import type { McpServerState, ServerTool } from '../../machines/mcp-server-types.ts';
import type { KeyedAsk, Resumption } from '../../machines/conversation/question-types.ts';
import type { Place } from '../scheduling/fair-queue.ts';
import type { RequestInput } from './server-requests/live-requests.ts';
import type { LogEntry } from './content/server-log.ts';
import type { HopTool } from '../../machines/conversation/turn-state.ts';
import type { SchemaViolation } from './argument-check.ts';

/** A tool as models are offered it, and as a hop pins it. */
export interface Tool extends Omit<HopTool, 'permission'>, Pick<ServerTool, 'title' | 'annotations' | 'effect'> {}

/** A tool by its server's own name. */
export type ToolName = Pick<Tool, 'server' | 'toolName'>;

export interface ServerStatus {
  name: string;
  state: McpServerState;
  tools: number;
  /** The revision of the protocol that was agreed on; null while there is no connection. */
  protocol: string | null;
  /** What is wrong, fit for people. */
  error: string | null;
  /** What a person has to open so that the server can be used; null where nobody needs to. */
  authorizeUrl: string | null;
}

/**
 * What conversations see of the MCP servers. A server that is away keeps its tools in the catalogue, so
 * what a model is offered does not change with every lost connection.
 */
export interface McpServers {
  /** The catalogue of now; a new array with each change. */
  tools(): readonly Tool[];
  statuses(): readonly ServerStatus[];
  /** Resolves when every server has been ready or failed once; bounded by the connection timeout. */
  settled(): Promise<void>;
  /** Null when these arguments fit the tool's schema of now; else what is wrong with them, or that nobody can tell. */
  validateChange(tool: ToolName, args: Record<string, unknown>): SchemaViolation | null;
  /** Null when what a person has filled in fits the form that a server has asked with; else what is wrong with it, or that nobody can tell. */
  validateForm(schema: Record<string, unknown>, content: Record<string, unknown>): SchemaViolation | null;
  /** What keeps a model's arguments from fitting the schema that it was shown, in words for it; null when they fit, or when only the server can tell. */
  validateArguments(inputSchema: Record<string, unknown>, args: Record<string, unknown>): string | null;
  /**
   * Never rejects. A call to a server that is away wakes it and waits within `timeoutMs`. A tool that its server has
   * redefined since it was offered is not called: arguments, and a person's consent, were for what it was.
   */
  call(tool: CalledTool, args: Record<string, unknown>, options: CallOptions): Promise<CallEnd>;
}

/** As it was offered; an empty definition where that is not known. */
export type CalledTool = Pick<HopTool, 'server' | 'toolName' | 'definition'>;

/**
 * How a call ended. What matters is whether it may have taken effect: after `not_sent` it has not, after
 * `lost` and `cancelled` nobody knows. A tool's own failure is `error`.
 */
export type CallEnd =
  /** `text` for the model; `content` is the whole, for the log. */
  | { status: 'ok' | 'error'; text: string; content: unknown }
  | { status: 'cancelled' }
  /** The server has laid the call down until people have answered; to go on, it is called again with `resume`. */
  | { status: 'suspended'; inputRequests: KeyedAsk[]; resume: Resumption }
  /** The server never saw the call: no connection within its time, or one that was refused. */
  | { status: 'not_sent'; text: string }
  /** Dispatched, then the transport was lost: the outcome is unknown. */
  | { status: 'lost'; text: string };

export interface CallOptions {
  /** Aborting it cancels the call at the server and ends it here. */
  signal: AbortSignal;
  /** Whose call it is, where calls have to wait: owner, conversation, call. */
  place: Place;
  /** Bounds the wait for a connection; once sent, the call is the caller's to time out through `signal`. */
  timeoutMs: number;
  onProgress(progress: Progress): void;
  /** What the server says while this is the only call that it is at work on. */
  onLog(entry: LogEntry): void;
  /** What a server that had laid the call down goes on with; null the first time. */
  resume: Resumption | null;
  /** A server that waits asks a person; null when this call has asked often enough. */
  requestInput: RequestInput;
}

/** How far a call is, by its server's measure and in its words. */
export interface Progress {
  progress: number;
  total?: number;
  message?: string;
}
