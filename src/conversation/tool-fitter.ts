/**
 * Measures the tool declarations of a request and leaves out those that do not fit the context window. A list of tools is
 * replaced as a whole, so each list is counted once.
 */
import type { ToolSizes } from '../../machines/context-window/context-sizes.ts';
import { fitTools, type SizedTool } from '../../machines/context-window/fit-tools.ts';
import { offeredTools } from '../../machines/conversation/decisions/hop-plan.ts';
import type { HopContext, HopTool } from '../../machines/conversation/turn-state.ts';

type ToolsByName = HopContext['tools'];

/** The tools that one request offers. */
export interface FittedTools {
  /** Without those that do not fit. */
  tools: ToolsByName;
  sizes: ToolSizes;
  leftOut: HopContext['toolsLeftOut'];
}

/** Null as `budgetTokens`: the model takes no tools, so they have no size. */
export type ToolFitter = (tools: ToolsByName, budgetTokens: number | null) => Promise<FittedTools>;

/** Creates the fitter. `countTokens` runs once for each list of tools. */
export function createToolFitter(countTokens: (text: string) => number | Promise<number>): ToolFitter {
  const measured = new WeakMap<ToolsByName, Promise<SizedTool[]>>();
  const measure = (tools: ToolsByName) => {
    const known = measured.get(tools) ?? measureTools(offeredTools(tools), countTokens);
    measured.set(tools, known);
    return known;
  };

  return async (tools, budgetTokens) => {
    if (budgetTokens === null) return { tools, sizes: sizesOf([]), leftOut: [] };
    const all = await measure(tools);
    if (sumOf(all) <= budgetTokens) return { tools, sizes: sizesOf(all), leftOut: [] };
    const fitting = fitTools(all, budgetTokens);
    const missing = all.filter(({ name }) => !fitting.has(name));
    const names = new Set(missing.map(({ name }) => name));
    return {
      tools: new Map([...tools].filter(([name]) => !names.has(name))),
      sizes: sizesOf(all.filter(({ name }) => fitting.has(name))),
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
  const texts = tools.map(({ name, description, inputSchema }) =>
    JSON.stringify({ type: 'function', function: { name, description, parameters: inputSchema } }),
  );
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  const total = tools.length === 0 ? 0 : await countTokens(texts.join(','));
  return tools.map(({ name, server }, index) => ({
    name,
    server,
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
