/**
 * Merges the tools of all servers into the catalogue that models see. Each tool gets a unique name that every provider
 * accepts. Pure.
 */
import { createHash } from 'node:crypto';
import type { ServerTool } from '../../machines/mcp-server-types.ts';
import type { Tool } from './port.ts';

/** OpenAI's limit for function names, the strictest of all providers. */
const MAX_NAME_CHARS = 64;
const UNSAFE = /[^a-zA-Z0-9_-]/g;

const safe = (name: string) => name.replace(UNSAFE, '_').slice(0, MAX_NAME_CHARS);

function withHash(tool: Tool): string {
  const hash = createHash('sha256').update(`${tool.server}\0${tool.toolName}`).digest('hex').slice(0, 8);
  return `${tool.name.slice(0, MAX_NAME_CHARS - hash.length - 1)}_${hash}`;
}

/** Renames all tools with a clashing name, so that no name changes its owner when a server is added or removed. */
function withoutClashes(tools: readonly Tool[], rename: (tool: Tool) => string): Tool[] {
  const uses = new Map<string, number>();
  for (const { name } of tools) uses.set(name, (uses.get(name) ?? 0) + 1);
  return tools.map((tool) => (uses.get(tool.name) === 1 ? tool : { ...tool, name: rename(tool) }));
}

/**
 * Returns the tools in the servers' order. A clashing name gets the server's name as a prefix. So does a name that
 * begins with another server's prefix, or it could impersonate that server's tool. Names that still clash get a short
 * hash.
 */
export function mergeCatalogues(catalogues: Iterable<readonly [server: string, tools: readonly ServerTool[]]>): Tool[] {
  const servers = [...catalogues];
  const prefixed = ({ server, toolName }: Pick<Tool, 'server' | 'toolName'>) => safe(`${prefixOf(server)}${toolName}`);
  const impersonatesAnother = (name: string, own: string) =>
    servers.some(([server]) => server !== own && name.startsWith(prefixOf(server)));
  const plain = servers.flatMap(([server, tools]) =>
    tools.map((tool): Tool => {
      const name = safe(tool.name);
      const names = { server, toolName: tool.name };
      const shown = impersonatesAnother(name, server) ? prefixed(names) : name;
      return { ...tool, ...names, name: shown, blockPermission: null, timeoutMs: null };
    }),
  );
  return withoutClashes(withoutClashes(plain, prefixed), withHash);
}

function prefixOf(server: string): string {
  return `${server.replace(UNSAFE, '_')}__`;
}
