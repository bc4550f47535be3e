/**
 * Offers the built-in tool `read_resource`, with which a model reads a resource that a tool has linked to. It is offered once
 * a result has had such a link: without one it would only cost tokens.
 */
import { endOfResult } from './connection/call-end.ts';
import type { CallEnd, CallOptions, Tool } from './port.ts';
import { isUnavailable, type PromptsAndResources } from './prompts-and-resources.ts';

/** Stands for Parley where other tools have the name of their server. A configured server of this name takes its place. */
export const BUILT_IN_SERVER = 'parley';

const NAME = 'read_resource';

/** `others`: the tools that are offered beside it. `servers`: the names of those that have linked to resources. */
export function readResourceTool(others: readonly Tool[], servers: readonly string[]): Tool {
  const hasOne = servers.length === 1;
  const isTaken = others.some(({ name }) => name === NAME);
  return {
    name: isTaken ? `${BUILT_IN_SERVER}__${NAME}` : NAME,
    server: BUILT_IN_SERVER,
    toolName: NAME,
    title: 'Read a resource',
    description: 'Reads a resource of an MCP server, such as one that the result of a tool links to.',
    inputSchema: {
      type: 'object',
      properties: {
        uri: { type: 'string', description: 'The URI of the resource, as the link has it.' },
        ...(hasOne
          ? {}
          : { server: { type: 'string', enum: servers, description: 'The MCP server whose tool gave the link.' } }),
      },
      required: hasOne ? ['uri'] : ['uri', 'server'],
    },
    annotations: { readOnlyHint: true },
    idempotent: true,
    effect: 'read_only',
    definition: [BUILT_IN_SERVER, NAME, ...servers].join('/'),
    blockPermission: null,
    timeoutMs: null,
  };
}

/** True if the result of a call links to a resource. */
export function linksToResource(end: CallEnd): boolean {
  if (end.status !== 'ok' || typeof end.content !== 'object' || end.content === null || !('content' in end.content))
    return false;
  const { content } = end.content;
  return (
    Array.isArray(content) &&
    content.some(
      (block: unknown) => typeof block === 'object' && block !== null && Reflect.get(block, 'type') === 'resource_link',
    )
  );
}

/** Never rejects. The result is bounded as that of any call, and its images reach a model that sees. */
export async function readForModel(
  promptsAndResources: Pick<PromptsAndResources, 'read'>,
  servers: readonly string[],
  args: Record<string, unknown>,
  { signal, place }: Pick<CallOptions, 'signal' | 'place'>,
  limits: { maxResultTokens: number; maxImageBytes: number },
): Promise<CallEnd> {
  const aborted = Promise.withResolvers<CallEnd>();
  const onAbort = () => aborted.resolve({ status: 'cancelled' });
  signal.addEventListener('abort', onAbort, { once: true });
  const reading = async (): Promise<CallEnd> => {
    const [owner] = place;
    const { uri, server = servers.length === 1 ? servers[0] : undefined } = args;
    if (!servers.some((name) => name === server))
      return { status: 'error', text: `Name one of these servers: ${servers.join(', ')}.`, content: null };
    const parts = await promptsAndResources.read(String(server), String(uri), owner);
    if (isUnavailable(parts)) return { status: 'error', text: parts.message, content: null };
    const content = parts.map(({ uri: partUri, mimeType, text, blob }) => {
      const named = { uri: partUri, ...(mimeType === null ? {} : { mimeType }) };
      return {
        type: 'resource' as const,
        resource: text === null ? { ...named, blob: blob ?? '' } : { ...named, text },
      };
    });
    return endOfResult({ content }, limits);
  };
  try {
    return await Promise.race([reading(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
