/**
 * Runs the state `loadingContext`: builds the window of past turns from the log cache, and fixes the list of tools for
 * the hop. Reads the store only if the conversation is not cached.
 */
import { fromPromise } from 'xstate';
import { buildWindow } from '../../../machines/context-window/context-window.ts';
import { requestBudget, toolBudget } from '../../../machines/context-window/request-budget.ts';
import { offeredTools } from '../../../machines/conversation/decisions/hop-plan.ts';
import { chosenTools, toolChoiceOf } from '../../../machines/conversation/decisions/tool-choice.ts';
import type { LoadContextInput } from '../../../machines/conversation/setup.ts';
import type { ToolEffect } from '../../../machines/mcp-server-types.ts';
import type { HopContext, HopTool } from '../../../machines/conversation/turn-state.ts';
import { ownValue } from '../../json.ts';
import type { LanguageModel } from '../../llm/port.ts';
import type { Tool, McpServers } from '../../mcp/port.ts';
import { createTakeTools } from '../taken-tools.ts';
import { createToolFitter } from '../tool-fitter.ts';
import type { ServerNotices } from '../server-notices.ts';
import type { SystemPrompt } from '../system-prompt.ts';
import type { LogCache } from '../log-cache.ts';

/** The parts and limits that the actor uses. Limits are read at each use. */
export interface LoadContextDeps {
  logCache: Pick<LogCache, 'turns'>;
  model: Pick<LanguageModel, 'leftOut' | 'modelFor' | 'window'>;
  mcpServers: Pick<McpServers, 'tools' | 'settled'>;
  notices: Pick<ServerNotices, 'turnStarted'>;
  systemPrompt: SystemPrompt;
  countTokens(text: string): number | Promise<number>;
  /** context.max_tokens and context.reserve_tokens. These, preserveRecent and policy are read for each hop. */
  maxTokens: number;
  reserveTokens: number;
  preserveRecent: number;
  /** context.max_images */
  maxImages: number;
  policy: ToolPolicy;
}

/** The configuration of tools, by server or by server.tool. The latter wins. */
export interface ToolPolicy {
  /** tools.repeat. Default: the server's annotations. */
  repeat: Readonly<Record<string, 'never' | 'always'>>;
  /** tools.permission. Default: `permissionByHint`. */
  permission: Readonly<Record<string, HopTool['permission']>>;
  /** tools.permission_by_hint, by the server's annotations. */
  permissionByHint: Readonly<Record<ToolEffect, HopTool['permission']>>;
}

/**
 * The logic provided as `loadContext`: resolves with the messages and tools of one hop, after the first round of MCP
 * connects. Rejects if the store cannot be read, which ends the turn.
 */
export function createLoadContextLogic(deps: LoadContextDeps) {
  const { logCache, mcpServers, notices, countTokens } = deps;
  const fitTools = createToolFitter(countTokens);
  const takeTools = createTakeTools(deps.model);
  let policy = deps.policy;
  let offered: readonly Tool[] = [];
  let byName: ReadonlyMap<string, HopTool> = new Map();

  /** Lists and policies are replaced as a whole, so object identity shows a change. */
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
    if (input.isFirst) notices.turnStarted(input);
    await mcpServers.settled();
    const turns = await logCache.turns(input);
    const message = turns
      .find(({ requestId }) => requestId === input.requestId)
      ?.rows.find(({ type }) => type === 'user_message');
    const pinned = pinTools();
    const chosen = chosenTools(pinned, message ? toolChoiceOf(message.extra) : null);
    const { provider } = input;
    const model = message?.model ?? null;
    const askedModel = deps.model.modelFor(provider, model);
    const taken = takeTools(chosen, provider, askedModel);
    const prompt = await deps.systemPrompt(input, input.isFirst, offeredTools(taken.tools));
    const systemTokens = await countTokens(prompt);
    const { answerLimit, limitTokens, sendsReasoning } = deps.model.window(provider, askedModel);
    const budgetTokens = Math.min(
      input.budgetTokens ?? Infinity,
      requestBudget({
        maxTokens: deps.maxTokens,
        reserveTokens: deps.reserveTokens,
        answerTokens: answerLimit?.tokens ?? null,
        limitTokens,
      }),
    );
    const { tools, sizes, leftOut } = await fitTools(pinned, taken.tools, toolBudget(budgetTokens, systemTokens));
    const context = buildWindow(turns, input.requestId, {
      systemPrompt: prompt,
      systemTokens,
      budgetTokens,
      tools: sizes,
      sendsReasoning,
      preserveRecent: deps.preserveRecent,
      maxImages: deps.maxImages,
    });
    return { ...context, provider, model, tools, toolsLeftOut: { byModel: taken.leftOut, byWindow: leftOut } };
  });
}

/** A tool with the configured policy applied. */
export function withPolicy(
  { effect, title: _title, annotations: _annotations, blockPermission, ...tool }: Tool,
  { repeat, permission, permissionByHint }: ToolPolicy,
): HopTool {
  const said = <Word>(by: Readonly<Record<string, Word>>) =>
    ownValue(by, `${tool.server}.${tool.toolName}`) ?? ownValue(by, tool.server);
  const repeated = said(repeat);
  return {
    ...tool,
    idempotent: repeated === undefined ? tool.idempotent : repeated === 'always',
    permission: said(permission) ?? blockPermission ?? permissionByHint[effect],
  };
}
