/** Tests which addresses an MCP server can make Parley request for authorization. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, test, type TestContext } from 'node:test';
import { createAuthorizationFetch } from '../../src/mcp/oauth/authorization-fetch.ts';

const limits = { requestTimeoutMs: 3_000, maxMessageBytes: 1_000 };

async function startSite(t: TestContext) {
  const visited: string[] = [];
  const http = createServer(({ url = '' }, response) => {
    visited.push(url);
    if (url === '/silent') return;
    if (url === '/away') return void response.writeHead(302, { location: '/found' }).end();
    response.end(url === '/endless' ? 'x'.repeat(2_000) : 'metadata');
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => {
    http.close();
    http.closeAllConnections();
  });
  const address = http.address();
  return { visited, url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}` };
}

describe('fetch for authorization servers', () => {
  test('rejects services of this machine and its network, unless the MCP server is one itself', async (t) => {
    const { url, visited } = await startSite(t);
    const far = createAuthorizationFetch({ serverUrl: 'https://mcp.example/mcp', limits, fetch });
    await assert.rejects(
      far(`${url}/token`),
      /names http:\/\/127\.0\.0\.1:\d+ for authorization, which does not use https/,
    );
    await assert.rejects(far('http://169.254.169.254/latest'), /which does not use https/);
    assert.deepEqual(visited, []);

    const near = createAuthorizationFetch({ serverUrl: 'http://localhost:1/mcp', limits, fetch });
    assert.equal(await (await near(`${url}/token`)).text(), 'metadata');
    const own = createAuthorizationFetch({ serverUrl: `${url}/mcp`, limits, fetch });
    assert.equal((await own(`${url}/token`)).status, 200);
  });

  test('does not follow redirects', async (t) => {
    const { url, visited } = await startSite(t);
    const { status } = await createAuthorizationFetch({ serverUrl: url, limits, fetch })(`${url}/away`);
    assert.deepEqual([status, visited], [302, ['/away']]);
  });

  test('limits the time and the size of a response', async (t) => {
    const { url } = await startSite(t);
    const ask = createAuthorizationFetch({ serverUrl: url, limits, fetch });
    await assert.rejects(ask(`${url}/silent`), { name: 'TimeoutError' });
    const endless = await ask(`${url}/endless`);
    await assert.rejects(endless.text(), /more than 1000 bytes/);
  });
});
