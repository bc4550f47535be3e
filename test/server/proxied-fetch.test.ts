/** Tests requests to MCP servers over HTTP through the proxies of the environment. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { createProxiedFetch } from '../../src/server/proxied-fetch.ts';
import { eventually } from '../support/eventually.ts';
import { listen, startProxy } from '../support/forward-proxy.ts';
import { toolResultsIn } from '../support/interrupts.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

/** Answers with what arrived, and redirects /moved to the address in `to`. */
async function startEcho(t: TestContext) {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    if (pathname === '/moved') return response.writeHead(307, { location: searchParams.get('to') ?? '' }).end();
    let body = '';
    request.setEncoding('utf8').on('data', (part) => (body += part));
    request.on('end', () => {
      const { host, authorization = null } = request.headers;
      response.end(JSON.stringify({ host, method: request.method, authorization, body }));
    });
  });
  return listen(t, server);
}

describe('an MCP server over HTTP', () => {
  for (const era of ['sessions', 'stateless'] as const) {
    it(`is reached and called through HTTP_PROXY (${era})`, async (t) => {
      const server = await startHttpServer({ era });
      t.after(server.stop);
      const proxy = await startProxy(t, server.url);
      const { model, client } = await startTyped(t, {
        mcpServers: { far: { url: `http://mcp.example${new URL(server.url).pathname}` } },
        env: { HTTP_PROXY: proxy.url },
        config: { chat: { service: { tools: { permission: { far: 'always' } } } } },
      });
      model.script(asks([{ name: 'count' }]), says('Done.'));
      assert.equal(toolResultsIn(await readAll(client.chat('go')))[0]?.status, 'ok');
      assert.ok(proxy.lines.length > 2 && proxy.lines.every((line) => line.includes(' http://mcp.example/')));
    });
  }

  it('is asked for a tunnel if it uses https, and the list of servers names the failure', async (t) => {
    const proxy = await startProxy(t);
    const { client } = await startTyped(t, {
      mcpServers: { far: { url: 'https://mcp.example/mcp' } },
      env: { HTTPS_PROXY: proxy.url },
    });
    const error = await eventually(
      async () => (await client.tools()).servers[0]?.error ?? null,
      'the failure of the server',
    );
    assert.equal(proxy.lines[0], 'CONNECT mcp.example:443');
    assert.match(error, /^cannot be reached: the proxy did not connect to it/);
  });
});

describe('a request through a proxy', () => {
  it('follows redirects with its method and body, and leaves its token behind at another origin', async (t) => {
    const echo = await startEcho(t);
    const proxy = await startProxy(t, echo);
    const send = createProxiedFetch({ connectTimeoutMs: 5_000, env: { HTTP_PROXY: proxy.url } });
    const post = async (to: string) => {
      const sent = { method: 'POST', body: 'text', headers: { authorization: 'Bearer t' } };
      return (await send(`http://one.example/moved?to=${encodeURIComponent(to)}`, sent)).json();
    };
    const arrived = { host: 'one.example', method: 'POST', authorization: 'Bearer t', body: 'text' };
    assert.deepEqual(await post('/there'), arrived);
    assert.deepEqual(await post('http://two.example/there'), { ...arrived, host: 'two.example', authorization: null });
    await assert.rejects(post('/moved?to=/moved'), /too many redirects|fetch failed/);
  });

  it('is not sent to it for this machine and the hosts of NO_PROXY', async (t) => {
    const echo = await startEcho(t);
    const proxy = await startProxy(t, echo);
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: 'near.invalid' };
    const send = createProxiedFetch({ connectTimeoutMs: 5_000, env });
    assert.equal((await send(echo)).status, 200);
    await assert.rejects(send('http://near.invalid/'));
    assert.deepEqual(proxy.lines, []);
  });
});
