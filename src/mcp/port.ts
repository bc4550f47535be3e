/**
 * The port of the MCP servers: the tools that models are offered, how each server is, and how a tool is called. Types
 * only. What servers offer beside tools is the library's.
 */
import type { McpServerState, ServerTool } from '../../machines/mcp-server-types.ts';
import type { HopTool } from '../../machines/conversation/turn-state.ts';
import type { Breach } from './argument-check.ts';
import type { CallEnd, CallOptions, CalledTool } from './calls.ts';

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
export interface Toolbox {
  /** The catalogue of now; a new array with each change. */
  tools(): readonly Tool[];
  servers(): readonly ServerStatus[];
  /** Resolves when every server has been ready or failed once; bounded by the connection timeout. */
  settled(): Promise<void>;
  /** Null when these arguments fit the tool's schema of now; else what is wrong with them, or that nobody can tell. */
  check(tool: ToolName, args: Record<string, unknown>): Breach | null;
  /** Null when what a person has filled in fits the form that a server has asked with; else what is wrong with it, or that nobody can tell. */
  checkAnswer(schema: Record<string, unknown>, content: Record<string, unknown>): Breach | null;
  /** What keeps a model's arguments from fitting the schema that it was shown, in words for it; null when they fit, or when only the server can tell. */
  misfit(inputSchema: Record<string, unknown>, args: Record<string, unknown>): string | null;
  /**
   * Never rejects. A call to a server that is away wakes it and waits within `timeoutMs`. A tool that its server has
   * redefined since it was offered is not called: arguments, and a person's consent, were for what it was.
   */
  call(tool: CalledTool, args: Record<string, unknown>, options: CallOptions): Promise<CallEnd>;
}
