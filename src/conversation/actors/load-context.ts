/**
 * The actor behind `loadingContext`: the window of past turns from the warm log, and the catalogue of
 * tools pinned for the hop. Reads the store only when the conversation has gone cold.
 */
import { fromPromise } from 'xstate';
import { buildWindow } from '../../../machines/context-window/context-window.ts';
import type { LoadContextInput } from '../../../machines/conversation/setup.ts';
import type { ToolEffect } from '../../../machines/mcp-server-types.ts';
import type { HopContext, HopTool } from '../../../machines/conversation/turn-state.ts';
import type { Tool, McpServers } from '../../mcp/port.ts';
import type { ServerNotices } from '../server-notices.ts';
import type { SystemPrompt } from '../system-prompt.ts';
import type { WarmLogs } from '../warm-logs.ts';

export interface LoadContextDeps {
  warmLogs: Pick<WarmLogs, 'turns'>;
  mcpServers: Pick<McpServers, 'tools' | 'settled'>;
  notices: Pick<ServerNotices, 'greet'>;
  systemPrompt: SystemPrompt;
  countTokens(text: string): number | Promise<number>;
  /** context.max_tokens - context.reserve_tokens. This, preserveRecent and policy are read for each hop. */
  budgetTokens: number;
  preserveRecent: number;
  policy: ToolPolicy;
}

/** What the configuration says of tools: by server, or by server.tool, which is the stronger. */
export interface ToolPolicy {
  /** tools.repeat; what the server says of its tools where nothing is said here. */
  repeat: Readonly<Record<string, 'never' | 'always'>>;
  /** tools.permission; what the server says of its tools where nothing is said here. */
  permission: Readonly<Record<string, HopTool['permission']>>;
  /** tools.permission_by_hint, by what a server says of its tools. */
  permissionByHint: Readonly<Record<ToolEffect, HopTool['permission']>>;
}

/**
 * The logic provided as `loadContext`: resolves with one hop's messages and tools, after the first round of
 * MCP connects. Rejects when the store cannot be read, which ends the turn.
 */
export function createLoadContextLogic(deps: LoadContextDeps) {
  const { warmLogs, mcpServers, notices, countTokens } = deps;
  let policy = deps.policy;
  let offered: readonly Tool[] = [];
  let byName: ReadonlyMap<string, HopTool> = new Map();

  /** The catalogue is swapped whole, and so is the policy: each object is its own version. */
  const pinTools = () => {
    const tools = mcpServers.tools();
    if (tools !== offered || policy !== deps.policy) {
      offered = tools;
      policy = deps.policy;
      byName = new Map(tools.map((tool) => [tool.name, withPolicy(tool, policy)]));
    }
    return byName;
  };

  return fromPromise<HopContext, LoadContextInput>(async ({ input }) => {
    if (input.isFirst) notices.greet(input);
    await mcpServers.settled();
    const turns = await warmLogs.turns(input);
    const prompt = await deps.systemPrompt(input, input.isFirst);
    const systemTokens = await countTokens(prompt);
    const { messages, tokens, cut } = buildWindow(turns, input.requestId, {
      systemPrompt: prompt,
      systemTokens,
      budgetTokens: input.budgetTokens ?? deps.budgetTokens,
      preserveRecent: deps.preserveRecent,
    });
    const model =
      turns.find(({ requestId }) => requestId === input.requestId)?.rows.find(({ type }) => type === 'user_message')
        ?.model ?? null;
    return { messages, tokens, model, tools: pinTools(), cut };
  });
}

/** A tool with what the configuration says of it. */
export function withPolicy(
  { effect, title: _title, annotations: _annotations, ...tool }: Tool,
  { repeat, permission, permissionByHint }: ToolPolicy,
): HopTool {
  const said = <Word>(by: Readonly<Record<string, Word>>) => by[`${tool.server}.${tool.toolName}`] ?? by[tool.server];
  const repeated = said(repeat);
  return {
    ...tool,
    idempotent: repeated === undefined ? tool.idempotent : repeated === 'always',
    permission: said(permission) ?? permissionByHint[effect],
  };
}
