/**
 * Chooses the tools that fit the context window. Servers take turns, so that a server with many tools does not displace the
 * others. The choice depends on the tools and the budget alone, so it is the same in every hop. Pure.
 */

/** `tokens`: estimated tokens of its declaration. */
export interface SizedTool {
  name: string;
  server: string;
  tokens: number;
}

/** Returns the names of the tools that fit. Within a server the order of the list decides; a tool that is too large is passed over. */
export function fitTools(tools: readonly SizedTool[], budgetTokens: number): ReadonlySet<string> {
  const queues = [...Map.groupBy(tools, ({ server }) => server).values()];
  const fitting = new Set<string>();
  let room = budgetTokens;
  for (let round = 0; queues.some((queue) => round < queue.length); round += 1) {
    for (const queue of queues) {
      const tool = queue[round];
      if (!tool || tool.tokens > room) continue;
      room -= tool.tokens;
      fitting.add(tool.name);
    }
  }
  return fitting;
}
