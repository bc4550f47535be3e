/**
 * Measures the tool declarations of a request and leaves out those that do not fit the context window. A list of tools is
 * replaced as a whole, so each list is counted once.
 */
import type { ToolSizes } from '../../machines/context-window/context-sizes.ts';
import { offeredTools } from '../../machines/conversation/decisions/hop-plan.ts';
import type { HopContext, HopTool } from '../../machines/conversation/turn-state.ts';
import { fairShare } from '../../machines/context-window/fair-share.ts';
import { asFunction } from '../llm/tools/left-out.ts';

type ToolsByName = HopContext['tools'];

/** `tokens`: estimated tokens of its declaration. */
interface SizedTool extends HopTool {
  tokens: number;
}

/** The tools that one request offers. */
export interface FittedTools {
  /** Without those that do not fit. */
  tools: ToolsByName;
  sizes: ToolSizes;
  leftOut: HopContext['toolsLeftOut']['byWindow'];
}

/** `offered`: those of the list that the turn may have and the model takes. */
export type ToolFitter = (list: ToolsByName, offered: ToolsByName, budgetTokens: number) => Promise<FittedTools>;

/** Creates the fitter. `countTokens` runs once for each list of tools. */
export function createToolFitter(countTokens: (text: string) => number | Promise<number>): ToolFitter {
  const measured = new WeakMap<ToolsByName, Promise<SizedTool[]>>();
  const measure = (tools: ToolsByName) => {
    const known = measured.get(tools) ?? measureTools(offeredTools(tools), countTokens);
    measured.set(tools, known);
    return known;
  };

  return async (list, offered, budgetTokens) => {
    const all = (await measure(list)).filter(({ name }) => offered.has(name));
    const fitting = fairShare(all, budgetTokens, ({ tokens }) => tokens);
    if (fitting.length === all.length) return { tools: offered, sizes: sizesOf(all), leftOut: [] };
    const kept = new Set(fitting);
    const missing = all.filter((tool) => !kept.has(tool));
    const names = new Set(missing.map(({ name }) => name));
    return {
      tools: new Map([...offered].filter(([name]) => !names.has(name))),
      sizes: sizesOf(fitting),
      leftOut: [...Map.groupBy(missing, ({ server }) => server)].map(([server, { length }]) => ({
        server,
        count: length,
      })),
    };
  };
}

/** Counts all declarations as one text, in the counting thread, and divides the tokens by length: a list may hold thousands. */
async function measureTools(
  tools: readonly HopTool[],
  countTokens: (text: string) => number | Promise<number>,
): Promise<SizedTool[]> {
  const texts = tools.map((tool) => JSON.stringify(asFunction(tool)));
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  const total = tools.length === 0 ? 0 : await countTokens(texts.join(','));
  return tools.map((tool, index) => ({
    ...tool,
    tokens: Math.ceil((total * (texts[index]?.length ?? 0)) / length),
  }));
}

function sizesOf(tools: readonly SizedTool[]): ToolSizes {
  const byServer = [...Map.groupBy(tools, ({ server }) => server)].map(([server, own]) => ({
    server,
    tokens: sumOf(own),
  }));
  const largest = byServer.toSorted((one, other) => other.tokens - one.tokens)[0];
  const tokens = sumOf(tools);
  return {
    count: tools.length,
    tokens,
    largestServer: largest?.server ?? null,
    largestTool: tools.find((tool) => tool.tokens > tokens / 2)?.name ?? null,
  };
}

function sumOf(tools: readonly SizedTool[]): number {
  return tools.reduce((sum, { tokens }) => sum + tokens, 0);
}
