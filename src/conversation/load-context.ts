/**
 * The actor behind `loadingContext`: the window of past turns from the warm log, and the catalogue of
 * tools pinned for the hop. Reads the store only when the conversation has gone cold.
 */
import { fromPromise } from 'xstate';
import { buildWindow } from '../../machines/context-window.ts';
import type { LoadContextInput } from '../../machines/conversation-setup.ts';
import type { HopContext, HopTool } from '../../machines/turn-terms.ts';
import type { Toolbox } from '../mcp/toolbox.ts';
import type { WarmLogs } from './warm-logs.ts';

export interface LoadContextDeps {
  warmLogs: Pick<WarmLogs, 'turns'>;
  toolbox: Pick<Toolbox, 'tools' | 'settled'>;
  systemPrompt: string;
  countTokens(text: string): number | Promise<number>;
  /** context.max_tokens - context.reserve_tokens */
  budgetTokens: number;
  preserveRecent: number;
  /** tools.repeat: by server, or by server.tool, which is the stronger. */
  repeat: Readonly<Record<string, 'never' | 'always'>>;
}

/**
 * The logic provided as `loadContext`: resolves with one hop's messages and tools, after the first round of
 * MCP connects. Rejects when the store cannot be read, which ends the turn.
 */
export function createLoadContextLogic({ warmLogs, toolbox, systemPrompt, countTokens, budgetTokens, preserveRecent, repeat }: LoadContextDeps) {
  let offered: readonly HopTool[] = [];
  let byName: ReadonlyMap<string, HopTool> = new Map();

  /** The catalogue is swapped whole, so its array is its version. */
  const pinTools = () => {
    const tools = toolbox.tools();
    if (tools !== offered) {
      offered = tools;
      byName = new Map(tools.map((tool) => [tool.name, withPolicy(tool, repeat)]));
    }
    return byName;
  };

  return fromPromise<HopContext, LoadContextInput>(async ({ input }) => {
    await toolbox.settled();
    const turns = await warmLogs.turns(input);
    const systemTokens = await countTokens(systemPrompt);
    const { messages, cut } = buildWindow(turns, input.requestId, { systemPrompt, systemTokens, budgetTokens, preserveRecent });
    return { messages, tools: pinTools(), cut };
  });
}

function withPolicy(tool: HopTool, repeat: LoadContextDeps['repeat']): HopTool {
  const policy = repeat[`${tool.server}.${tool.toolName}`] ?? repeat[tool.server];
  return policy === undefined ? tool : { ...tool, harmless: policy === 'always' };
}
