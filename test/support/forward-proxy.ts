/** Starts a proxy of HTTP requests, as HTTP_PROXY and HTTPS_PROXY name one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import type { TestContext } from 'node:test';

/** Returns the address of the server, which ends with the test. */
export async function listen(t: TestContext, server: Server | HttpServer): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return `http://127.0.0.1:${address.port}`;
}

/** Forwards http requests to `target` and refuses every tunnel. */
export async function startProxy(t: TestContext, target = '') {
  const lines: string[] = [];
  const proxy = createServer((incoming, response) => {
    lines.push(`${incoming.method} ${incoming.url}`);
    const { headers, method } = incoming;
    const { pathname, search } = new URL(incoming.url ?? '');
    incoming.pipe(
      request(`${new URL(target).origin}${pathname}${search}`, { method, headers, agent: false }, (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      }),
    );
  });
  proxy.on('connect', (incoming, socket) => {
    lines.push(`CONNECT ${incoming.url}`);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  t.after(() => proxy.closeAllConnections());
  return { url: await listen(t, proxy), lines };
}
