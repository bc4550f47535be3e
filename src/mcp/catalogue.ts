/**
 * The one catalogue that models see: the tools of all servers, each under a name that every
 * provider takes and that is unique. Pure; the toolbox decides when it is rebuilt.
 */
import { createHash } from 'node:crypto';
import type { ServerTool } from '../../machines/mcp-server-types.ts';
import type { Tool } from './port.ts';

/** OpenAI's rule for function names, the strictest of the providers'. */
const MAX_NAME_CHARS = 64;
const UNSAFE = /[^a-zA-Z0-9_-]/g;

const safe = (name: string) => name.replace(UNSAFE, '_').slice(0, MAX_NAME_CHARS);

function withHash(tool: Tool): string {
  const mark = createHash('sha256').update(`${tool.server}\0${tool.toolName}`).digest('hex').slice(0, 8);
  return `${tool.name.slice(0, MAX_NAME_CHARS - mark.length - 1)}_${mark}`;
}

/** Renames those whose names clash; all of them, so that no name silently changes its owner when a server comes or goes. */
function withoutClashes(tools: readonly Tool[], rename: (tool: Tool) => string): Tool[] {
  const uses = new Map<string, number>();
  for (const { name } of tools) uses.set(name, (uses.get(name) ?? 0) + 1);
  return tools.map((tool) => (uses.get(tool.name) === 1 ? tool : { ...tool, name: rename(tool) }));
}

/**
 * The tools of all servers, in the servers' order. A clash is prefixed with the server's name, and so is a name that
 * begins like another server's prefix: no tool passes for another server's. What is still alike then gets a short hash.
 */
export function mergeCatalogues(catalogues: Iterable<readonly [server: string, tools: readonly ServerTool[]]>): Tool[] {
  const servers = [...catalogues];
  const prefixed = ({ server, toolName }: Pick<Tool, 'server' | 'toolName'>) => safe(`${prefixOf(server)}${toolName}`);
  const resemblesAnother = (name: string, own: string) =>
    servers.some(([server]) => server !== own && name.startsWith(prefixOf(server)));
  const plain = servers.flatMap(([server, tools]) =>
    tools.map((tool): Tool => {
      const name = safe(tool.name);
      const names = { server, toolName: tool.name };
      return { ...tool, ...names, name: resemblesAnother(name, server) ? prefixed(names) : name };
    }),
  );
  return withoutClashes(withoutClashes(plain, prefixed), withHash);
}

function prefixOf(server: string): string {
  return `${server.replace(UNSAFE, '_')}__`;
}

/** At most `most` of them, in their order: as many of each server as there is room for, so that one which lists without end leaves the others theirs. */
export function fairShare(tools: readonly Tool[], most: number): readonly Tool[] {
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
