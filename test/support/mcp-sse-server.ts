/**
 * Serves MCP over HTTP with server-sent events, the transport of 2024-11-05, with the SDK's v1. It answers other requests
 * as such servers do, and can be restarted at its address.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';

export async function startSseServer({ port = 0 }: { port?: number } = {}) {
  const seen: string[] = [];
  const headersSeen: IncomingMessage['headers'][] = [];
  const sessions = new Map<string, SSEServerTransport>();
  let grow: (() => void) | null = null;

  const create = () => {
    const server = new McpServer({ name: 'sse-test', version: '1.0.0' });
    server.registerTool('count', {}, () => {
      seen.push('count');
      return { content: [{ type: 'text', text: String(seen.length) }] };
    });
    server.registerTool('big', {}, () => ({ content: [{ type: 'text', text: 'x'.repeat(200_000) }] }));
    server.registerTool('hang', {}, ({ signal }) => {
      seen.push('hang');
      signal.addEventListener('abort', () => seen.push('cancelled'));
      return new Promise(() => undefined);
    });
    grow = () => void server.registerTool('grown', {}, () => ({ content: [] }));
    return server;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    headersSeen.push(request.headers);
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (request.method === 'GET' && url.pathname === '/sse') {
      const transport = new SSEServerTransport('/messages', response);
      sessions.set(transport.sessionId, transport);
      await create().connect(transport);
      return;
    }
    const session = sessions.get(url.searchParams.get('sessionId') ?? '');
    if (request.method === 'POST' && url.pathname === '/messages' && session)
      await session.handlePostMessage(request, response);
    else response.writeHead(url.pathname === '/sse' ? 405 : 404).end('no');
  };

  const http = createServer((request, response) => void answer(request, response));
  http.listen(port, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    url: `http://127.0.0.1:${actualPort}/sse`,
    port: actualPort,
    seen,
    headersSeen,
    sessions,
    grow: () => grow?.(),
    async stop() {
      const closed = once(http, 'close');
      http.close();
      http.closeAllConnections();
      await closed;
    },
  };
}
