/**
 * The one catalogue that models see: the tools of all servers, each under a name that every
 * provider takes and that is unique. Pure; the toolbox decides when it is rebuilt.
 */
import { createHash } from 'node:crypto';
import type { Tool as ListedTool, ToolAnnotations } from '@modelcontextprotocol/client';
import type { ServerTool, ToolEffect } from '../../machines/mcp-server-terms.ts';
import { plainText } from './stranger-text.ts';
import type { Tool } from './toolbox.ts';

/** OpenAI's rule for function names, the strictest of the providers'. */
const MAX_NAME_CHARS = 64;
const UNSAFE = /[^a-zA-Z0-9_-]/g;

const safe = (name: string) => name.replace(UNSAFE, '_').slice(0, MAX_NAME_CHARS);

function distinguished(tool: Tool): string {
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
 * What one server lists, as Parley keeps it: descriptions are text by strangers that goes into
 * every prompt, so they are cut at `maxDescriptionChars` and lose their control characters.
 */
export function serverTools(listed: readonly ListedTool[], maxDescriptionChars: number): ServerTool[] {
  return listed.map(({ name, description, inputSchema, annotations }) => ({
    name,
    description: plainText(description ?? '', maxDescriptionChars),
    inputSchema,
    harmless: annotations?.readOnlyHint === true || annotations?.idempotentHint === true,
    effect: effectOf(annotations),
  }));
}

/** The defaults are the MCP's: `readOnlyHint` false, `destructiveHint` true, and the latter counts only where the former is false. */
function effectOf({ readOnlyHint, destructiveHint }: ToolAnnotations = {}): ToolEffect {
  if (readOnlyHint === true) return 'read_only';
  return destructiveHint === false ? 'additive' : 'destructive';
}

/**
 * The tools of all servers, in the servers' order. A clash is prefixed with the server's name;
 * what is still alike after that gets a short hash.
 */
export function mergeCatalogues(catalogues: Iterable<readonly [server: string, tools: readonly ServerTool[]]>): Tool[] {
  const plain = [...catalogues].flatMap(([server, tools]) =>
    tools.map((tool): Tool => ({ ...tool, name: safe(tool.name), server, toolName: tool.name })),
  );
  const prefixed = withoutClashes(plain, ({ server, toolName }) => safe(`${server}__${toolName}`));
  return withoutClashes(prefixed, distinguished);
}
