/**
 * Shares limited room for tools among their servers. Servers take turns, so that a server with many tools does not displace
 * those of the others. Pure.
 */

/**
 * Returns the tools that fit, in their order. Within a server the order of the list decides; a tool that is too large is
 * passed over. `sizeOf`: in the unit of `room`; without it each tool takes one place.
 */
export function fairShare<Tool extends { server: string }>(
  tools: readonly Tool[],
  room: number,
  sizeOf: (tool: Tool) => number = () => 1,
): readonly Tool[] {
  const queues = [...Map.groupBy(tools, ({ server }) => server).values()];
  const kept = new Set<Tool>();
  let left = room;
  for (let round = 0; queues.some((queue) => round < queue.length); round += 1) {
    for (const queue of queues) {
      const tool = queue[round];
      if (!tool || sizeOf(tool) > left) continue;
      left -= sizeOf(tool);
      kept.add(tool);
    }
  }
  return kept.size === tools.length ? tools : tools.filter((tool) => kept.has(tool));
}
