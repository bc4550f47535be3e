/**
 * Warns about a configuration that leaves too little of the context window for messages: tools that do not fit, and answers
 * that may be nearly as long as the window. Reports each finding once.
 */
import type { Logger } from 'pino';
import type { ActorRefFrom } from 'xstate';
import type { mcpServerMachine } from '../../machines/mcp-server.ts';
import { mostForAnswer, requestBudget, toolBudget } from '../../machines/context-window/request-budget.ts';
import type { LanguageModel } from '../llm/port.ts';
import type { McpServers } from '../mcp/port.ts';
import { withPolicy, type ToolPolicy } from './actors/load-context.ts';
import { createToolFitter } from './tool-fitter.ts';

/** Bounds the memory for findings: a server may change its list without end. */
const MOST_REPORTED = 100;

/** Read at each check, because a reload changes the values. */
export interface WindowCheckOptions {
  model: Pick<LanguageModel, 'providers' | 'window'>;
  mcpServers: Pick<McpServers, 'tools' | 'settled'>;
  policy: ToolPolicy;
  maxTokens: number;
  reserveTokens: number;
  systemPrompt: string;
  countTokens(text: string): number | Promise<number>;
  log: Pick<Logger, 'warn'>;
  onError(error: unknown): void;
}

/** The check of all providers. */
export interface WindowCheck {
  /** Starts a check of all providers once each MCP server has been ready or failed once. Calls before that are one check. */
  check(): void;
  /** Starts a check each time that the list of a server's tools changes. */
  watch(actor: Pick<ActorRefFrom<typeof mcpServerMachine>, 'subscribe'>): void;
}

/** Creates the check. It logs warnings and never fails. */
export function createWindowCheck(options: WindowCheckOptions): WindowCheck {
  const reported = new Set<string>();
  const report = (facts: object, message: string) => {
    const id = JSON.stringify([facts, message]);
    if (reported.has(id) || reported.size >= MOST_REPORTED) return;
    reported.add(id);
    options.log.warn(facts, message);
  };

  const check = async () => {
    const { model: models, mcpServers, policy, maxTokens, reserveTokens } = options;
    const fitTools = createToolFitter(options.countTokens);
    const tools = new Map(mcpServers.tools().map((tool) => [tool.name, withPolicy(tool, policy)]));
    const systemTokens = await options.countTokens(options.systemPrompt);
    for (const { name: provider, model } of models.providers) {
      const { takesTools, answerLimit } = models.window(provider, model);
      const answerTokens = answerLimit?.tokens ?? null;
      if (answerLimit && answerLimit.tokens > mostForAnswer(maxTokens))
        report(
          {
            provider,
            model,
            [answerLimit.key]: answerLimit.tokens,
            'chat.service.context.max_tokens': maxTokens,
          },
          'answers may be so long that little of the context window is left for messages; lower the first key or raise the second',
        );
      const requestTokens = requestBudget({ maxTokens, reserveTokens, answerTokens, limitTokens: null });
      const room = takesTools ? toolBudget(requestTokens, systemTokens) : null;
      const { sizes, leftOut } = await fitTools(tools, room);
      if (leftOut.length === 0) continue;
      report(
        {
          provider,
          model,
          left_out: Object.fromEntries(leftOut.map(({ server, count }) => [server, count])),
          offered: sizes.count,
          room_for_tools: room,
          'chat.service.context.max_tokens': maxTokens,
          'chat.service.context.reserve_tokens': reserveTokens,
          ...(answerLimit ? { [answerLimit.key]: answerLimit.tokens } : {}),
        },
        'tool schemas do not fit the context window, and some tools are not offered; raise chat.service.context.max_tokens, disable MCP servers, or set tools to never in chat.service.tools.permission',
      );
    }
  };

  let isPending = false;
  const schedule = () => {
    if (isPending) return;
    isPending = true;
    options.mcpServers
      .settled()
      .then(() => {
        isPending = false;
        return check();
      })
      .catch(options.onError);
  };
  return {
    check: schedule,
    watch(actor) {
      let checked: unknown = null;
      actor.subscribe(({ context: { catalogue } }) => {
        if (catalogue === checked) return;
        checked = catalogue;
        schedule();
      });
    },
  };
}
