/**
 * Creates an MCP server of one revision with the SDK's v2 package, for either transport. It lists one tool a page, and
 * gets one more each time that `grow` is called.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Server } from '@modelcontextprotocol/server';

export const STATELESS = '2026-07-28';

/** `grown` is shared by all instances: over HTTP there may be one for each request. */
export function createPagedServer(
  revision: string,
  grown: string[],
  announce: (server: Server) => Promise<void>,
  endless = false,
): Server {
  const server = new Server(
    { name: 'paged', version: '1.0.0' },
    {
      capabilities: { tools: { listChanged: true } },
      ...(revision === STATELESS ? {} : { supportedProtocolVersions: [revision] }),
    },
  );
  const names = () => ['one', 'two', 'grow', ...grown];
  server.setRequestHandler('tools/list', ({ params }) => {
    const page = Number(params?.cursor ?? 0);
    const name = names()[page] ?? `tool${page}`;
    return {
      tools: [{ name, inputSchema: { type: 'object' } }],
      ...(endless || page + 1 < names().length ? { nextCursor: String(page + 1) } : {}),
    };
  });
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
    if (params.name === 'grow') {
      grown.push(`grown${grown.length}`);
      await announce(server);
    }
    const progressToken = mcpReq._meta?.progressToken;
    if (progressToken !== undefined)
      await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
    // The SDK drops progress that it reads together with the result.
    await pause(100);
    return { content: [{ type: 'text', text: params.name }] };
  });
  return server;
}
