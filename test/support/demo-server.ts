/**
 * Serves the tools of the bundled MCP server over HTTP in the process of the tests. A process for each test would cost
 * half a second of CPU time. Listens as soon as it is imported, and does not keep the process alive.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';

/** Loads the SDK with the first request: most files of tests never send one. */
async function createHandler() {
  const { createDemoServer } = await import('../../src/demo/mcp-tools.ts');
  const { answer, createSessions } = await import('./mcp-http-server.ts');
  const project = join(import.meta.dirname, '..', '..');
  const { handle } = createSessions(
    () => createDemoServer(project),
    () => new Response('no such session', { status: 404 }),
  );
  return (request: IncomingMessage, response: ServerResponse) => answer(request, response, handle);
}

let handler: ReturnType<typeof createHandler> | null = null;
const http = createServer((request, response) => {
  handler ??= createHandler();
  handler.then((handle) => handle(request, response)).catch(() => response.destroy());
});
http.on('connection', (socket) => socket.unref());
http.unref();
http.listen(0, '127.0.0.1');
await once(http, 'listening');
const address = http.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;

export const demoUrl = `http://127.0.0.1:${port}/mcp`;
