/** Shares a limited number of places for tools among their servers. Pure. */

/** Returns at most `most` tools in their order, shared fairly among servers: a server with many tools does not displace the others' tools. */
export function fairShare<Tool extends { server: string }>(tools: readonly Tool[], most: number): readonly Tool[] {
  if (tools.length <= most) return tools;
  const counts = new Map<string, number>();
  const ranked = tools.map((tool) => {
    const rank = counts.get(tool.server) ?? 0;
    counts.set(tool.server, rank + 1);
    return { tool, rank };
  });
  const kept = new Set(
    ranked
      .toSorted((one, other) => one.rank - other.rank)
      .slice(0, most)
      .map(({ tool }) => tool),
  );
  return tools.filter((tool) => kept.has(tool));
}
