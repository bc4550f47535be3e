/**
 * Declares the port of the MCP servers: the tools that models are offered, the status of each server, and how a tool is
 * called. Types only. Prompts and resources are in prompts-and-resources.ts.
 */
import type { KeyedRequest, Resumption, TaskHandle } from '../../machines/conversation/question-types.ts';
import type { HopTool } from '../../machines/conversation/turn-state.ts';
import type { McpServerState, ServerTool } from '../../machines/mcp-server-types.ts';
import type { FairKey } from '../scheduling/fair-semaphore.ts';
import type { SchemaViolation } from './validation/explain-result.ts';
import type { ServerInstructions } from './server-instructions.ts';
import type { LogEntry } from './content/server-log.ts';
import type { RequestInput } from './server-requests/live-requests.ts';

/** A tool as models are offered it, and as a hop pins it. */
export interface Tool extends Omit<HopTool, 'permission'>, Pick<ServerTool, 'title' | 'annotations' | 'effect'> {
  /** The permission that the server's block states. Null if it states none. */
  blockPermission: 'always' | 'ask' | null;
}

/** Names a tool by the name that its server gives it. */
export type ToolName = Pick<Tool, 'server' | 'toolName'>;

/** A server as people see it. */
export interface ServerStatus {
  name: string;
  state: McpServerState;
  /** Number of tools. */
  tools: number;
  /** The negotiated protocol revision. Null without a connection. */
  protocol: string | null;
  /** What is wrong, fit for people, with the last lines of the server's program. Null if nothing is. */
  error: string | null;
  /** The sign-in page that a person has to open before the server can be used. Null if none. */
  authorizeUrl: string | null;
}

/**
 * The MCP servers as conversations see them. A server that is not connected keeps its tools in the catalogue, so the
 * offer to models does not change with every lost connection.
 */
export interface McpServers {
  /** The current catalogue. Each change makes a new array. */
  tools(): readonly Tool[];
  statuses(): readonly ServerStatus[];
  /** The instructions of servers for the model. A server that is not connected keeps its own. */
  instructions(): readonly ServerInstructions[];
  /** Resolves when every server has been ready or failed once, or `tools_wait` after the start. */
  settled(): Promise<void>;
  /** Fits arguments that a person has changed to the tool's current schema. `violation` is null if they may be used. */
  fitChange(
    tool: ToolName,
    args: Record<string, unknown>,
  ): Promise<{ arguments: Record<string, unknown>; violation: SchemaViolation | null }>;
  /** Checks a form that a person has filled in. Null if it is valid. */
  validateForm(schema: Record<string, unknown>, content: Record<string, unknown>): Promise<SchemaViolation | null>;
  /**
   * Fits a model's arguments to the schema: adds the defaults of required properties, and reads numbers, booleans, objects
   * and arrays that were written as text. `violation` explains to the model why they do not fit; null if they do, or if
   * they cannot be checked.
   */
  fitArguments(
    inputSchema: Record<string, unknown>,
    args: Record<string, unknown>,
  ): Promise<{ arguments: Record<string, unknown>; violation: string | null }>;
  /**
   * Never rejects. Wakes a server that is not connected and waits for it within `timeoutMs`. Does not call a tool that
   * its server has redefined: arguments and a person's consent were for the old definition.
   */
  call(tool: CalledTool, args: Record<string, unknown>, options: CallOptions): Promise<CallEnd>;
  /**
   * Never rejects. Waits for the end of a task that a server runs for a call, also after a restart of Parley. Sends the
   * answers in `resume` first. Aborting it ends the wait and leaves the task running.
   */
  followTask(server: string, options: FollowOptions): Promise<CallEnd>;
  /** Never rejects. Asks the server to cancel a task, once, if it can be reached within the connection timeout. */
  cancelTask(server: string, taskId: string): Promise<void>;
}

/** A tool as it was offered. `definition` is empty if it is unknown. */
export type CalledTool = Pick<HopTool, 'server' | 'toolName' | 'definition'>;

/**
 * How a call ended. It matters whether the call may have taken effect: not after `not_sent`; perhaps after `lost` and
 * `cancelled`. A failure of the tool itself is `error`.
 */
export type CallEnd =
  /** `text` is for the model; `content` is the whole result, for the log, with `user_text` if people get another text. */
  | { status: 'ok' | 'error'; text: string; content: unknown }
  | { status: 'cancelled' }
  /** The server has suspended the call until people have answered. Call again with `resume` to go on. */
  | { status: 'suspended'; inputRequests: KeyedRequest[]; resume: Resumption }
  /** The server runs the call as a task. Wait for it with `followTask`. */
  | { status: 'task'; task: TaskHandle }
  /** The server never received the call: no connection in time, or it was refused. */
  | { status: 'not_sent'; text: string }
  /** The transport was lost after the dispatch: the outcome is unknown. */
  | { status: 'lost'; text: string };

/** What a call needs beside its arguments. */
export interface CallOptions {
  /** Aborting it cancels the call at the server and ends it here. */
  signal: AbortSignal;
  /** Owner, conversation and call, for fairness in the queue. */
  place: FairKey;
  /** Bounds the wait for a connection. After the dispatch the caller times the call out through `signal`. */
  timeoutMs: number;
  onProgress(progress: Progress): void;
  /** Called for log messages of the server while this is its only running call. */
  onLog(entry: LogEntry): void;
  /** State and answers for a suspended call. Null in the first round. */
  resume: Resumption | null;
  /** Called when the server requests input while the call runs. */
  requestInput: RequestInput;
  /** How long Parley waits for the task if the server runs the call as one. In ms. */
  taskTimeoutMs: number;
}

/** What a call needs whose server runs it as a task. */
export interface FollowOptions extends Omit<CallOptions, 'resume' | 'place'> {
  resume: Resumption & { task: TaskHandle };
  /** True right after the server has created the task: its poll interval passes before the first request. */
  isFresh: boolean;
}

/** Progress in the server's own units and words. */
export interface Progress {
  progress: number;
  total?: number;
  message?: string;
}
