/**
 * Serves MCP over Streamable HTTP on a loopback port without an SDK, so that a test can answer anything: with JSON bodies
 * or with event streams, and with one session for all.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { TestContext } from 'node:test';

export interface JsonServerOptions {
  asEvents?: boolean;
  /** The session id of every response. None if absent. */
  session?: string;
}

/** Resolves with the URL. `answer` returns the answer to a message; null to a notification. Stops when the test ends. */
export async function serveJson(
  t: TestContext,
  answer: (received: unknown) => object | null,
  { asEvents = false, session }: JsonServerOptions = {},
): Promise<string> {
  const http = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const answered = answer(JSON.parse(body));
    if (session !== undefined) response.setHeader('mcp-session-id', session);
    if (answered === null) return void response.writeHead(202).end();
    if (!asEvents)
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`: hello\n\nevent: message\nid: 1\ndata: ${JSON.stringify(answered)}\n\n`);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(async () => {
    const closed = once(http, 'close');
    http.close();
    http.closeAllConnections();
    await closed;
  });
  const address = http.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/mcp`;
}
