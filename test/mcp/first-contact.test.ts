/**
 * Tests the first contact with HTTP servers of unknown age: older servers answer the first request of the newest revision
 * with anything, and are reached with the older handshake.
 */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { openMcpServers } from '../support/mcp-open.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { httpServer } from '../support/mcp-servers.ts';
import { startOAuthServer } from '../support/oauth-server.ts';

const isProbe = ({ headers }: IncomingMessage) => headers['mcp-method'] === 'server/discover';

const json = (status: number, body: unknown) => (response: ServerResponse) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const bare = (status: number) => (response: ServerResponse) => void response.writeHead(status).end();
const refusal = (id: null | string, code: number) => ({ jsonrpc: '2.0', id, error: { code, message: 'no' } });

const answers: Record<string, (response: ServerResponse) => void> = {
  ...Object.fromEntries(
    [201, 202, 204, 302, 400, 401, 403, 404, 405, 406, 409, 415, 422, 426, 429, 500, 501, 502, 503].map((status) => [
      String(status),
      bare(status),
    ]),
  ),
  '200 with an empty body of JSON': (response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(),
  '200 with a page': (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Hello</p>'),
  '200 with JSON that is no message': json(200, { ok: true }),
  'an error without an id': json(200, refusal(null, -32_600)),
  '500 with an error of JSON-RPC': json(500, refusal(null, -32_603)),
  'an error of another request': json(200, refusal('other', -32_601)),
  'a cut connection': (response) => void response.destroy(),
  silence: () => undefined,
  'an open stream without a message': (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': open\n\n');
  },
  'a stream that ends without a message': (response) =>
    void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': over\n\n'),
  'a body that never ends': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"jsonrpc":');
  },
};

describe('an older server over HTTP', () => {
  for (const [what, answer] of Object.entries(answers)) {
    it(`is reached after it answered the first request with ${what}`, async (t) => {
      const server = await startHttpServer({
        era: 'sessions',
        gate: (request, response) => {
          if (!isProbe(request)) return false;
          answer(response);
          return true;
        },
      });
      t.after(server.stop);
      const box = await openMcpServers(
        t,
        [{ ...httpServer('web', server.url), oauth: { client: null, scope: null } }],
        {
          maxReconnectAttempts: 0,
        },
      );

      const [status] = box.host.statuses();
      assert.deepEqual([status?.state, status?.protocol, status?.error], ['ready', '2025-11-25', null]);
      assert.equal((await box.call('count')).status, 'ok');
    });
  }
});

describe('a newer server over HTTP', () => {
  it('is reached when it did not answer the first request in time', async (t) => {
    let probes = 0;
    const server = await startHttpServer({
      era: 'stateless',
      gate: (request, response) => {
        if (request.headers['mcp-protocol-version'] === undefined) {
          bare(400)(response);
          return true;
        }
        probes += Number(isProbe(request));
        return isProbe(request) && probes === 1;
      },
    });
    t.after(server.stop);
    const box = await openMcpServers(t, [httpServer('web', server.url)], { maxReconnectAttempts: 0 });

    assert.equal(box.host.statuses()[0]?.protocol, '2026-07-28');
    assert.equal((await box.call('count')).status, 'ok');
  });

  it('waits for a person if it asks for authorization, also without a challenge', async (t) => {
    const oauth = await startOAuthServer();
    t.after(oauth.stop);
    const gate = oauth.gate('use');
    const server = await startHttpServer({
      era: 'stateless',
      gate: (request, response) => {
        if (!isProbe(request) || request.headers.authorization !== undefined) return gate(request, response);
        bare(401)(response);
        return true;
      },
    });
    t.after(server.stop);
    const box = await openMcpServers(t, [{ ...httpServer('web', server.url), oauth: { client: null, scope: null } }]);

    assert.equal(box.host.statuses()[0]?.state, 'authorizing');
  });
});

describe('a server that refuses everything', () => {
  it('is reported with its answer to the handshake', async (t) => {
    const server = await startHttpServer({ era: 'sessions' });
    t.after(server.stop);
    server.refuse(403);
    const box = await openMcpServers(t, [httpServer('web', server.url)], { maxReconnectAttempts: 0 });

    const [status] = box.host.statuses();
    assert.deepEqual([status?.state, status?.error], ['failed', 'answered HTTP 403']);
  });
});
