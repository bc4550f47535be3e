/** Checks that no frame, page or log line has a secret of an MCP server's block, also if the server itself quotes it. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { toolResultsIn } from '../support/interrupts.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { listedServer } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

const secret = 'hush-hush/5';
const base64 = Buffer.from(secret).toString('base64');
const quote = `key ${secret}, ${encodeURIComponent(secret)} and ${base64}`;
const always = { chat: { service: { tools: { permission: { listed: 'always', web: 'always' } } } } };

/** An MCP server over HTTP that quotes the key of its clients in everything. It refuses calls. */
async function startQuotingServer(t: TestContext, refusesAll = false): Promise<string> {
  const server = createServer(async (request, response) => {
    const key = String(request.headers['x-key']);
    let text = '';
    for await (const part of request) text += String(part);
    if (refusesAll) return void response.writeHead(403).end(`forbidden for ${key} at ${request.url}`);
    const { id, method, params } = text === '' ? {} : JSON.parse(text);
    if (id === undefined) return void response.writeHead(method === undefined ? 405 : 202).end();
    const answer =
      method === 'initialize'
        ? {
            result: {
              protocolVersion: params.protocolVersion,
              capabilities: { tools: {} },
              serverInfo: { name: 'web', version: '1' },
            },
          }
        : method === 'tools/list'
          ? { result: { tools: [{ name: 'use', description: `Uses ${key}.`, inputSchema: { type: 'object' } }] } }
          : { error: { code: -32_000, message: `refused ${key} at ${request.url}` } };
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/mcp?apiKey=${encodeURIComponent(secret)}`;
}

const leaks = (value: unknown) =>
  [secret, encodeURIComponent(secret), base64].filter((form) => JSON.stringify(value).includes(form));

describe('a secret of a server block', () => {
  for (const isError of [false, true]) {
    it(`is in no ${isError ? 'error' : 'result'} of a tool, not in the list of tools and not in /health`, async (t) => {
      const answer = { content: [{ type: 'text', text: quote }], structuredContent: { quote }, isError };
      const { client, model, parley } = await startTyped(t, {
        mcpServers: listedServer([{ name: 'use', description: quote, title: quote }], {
          API_KEY: secret,
          TEST_ANSWER: JSON.stringify(answer),
        }),
        config: always,
      });
      model.script(asks([{ name: 'use' }]), says('Done.'));
      const chunks = await readAll(client.chat('go', { conversationId: 'c1' }));
      assert.equal(toolResultsIn(chunks)[0]?.data, 'key [secret], [secret] and [secret]');
      const health = await (await fetch(parley.url.replace('ws:', 'http:').replace(/\/ws.*/, '/health'))).text();
      const requests = model.requests.map(({ body }) => body);
      assert.deepEqual(leaks([client.frames, await client.tools(), await client.history('c1'), health, requests]), []);
    });
  }

  it('is in no error of a server over HTTP', async (t) => {
    const url = await startQuotingServer(t);
    const { client, model } = await startTyped(t, {
      mcpServers: { web: { url, headers: { 'X-Key': secret } } },
      config: always,
    });
    model.script(asks([{ name: 'use' }]), says('Done.'));
    const [result] = toolResultsIn(await readAll(client.chat('go')));
    assert.match(result?.data ?? '', /^refused \[secret\] at \/mcp\?apiKey=\[secret\]$/);
    assert.deepEqual(leaks([client.frames, await client.tools()]), []);
  });

  it('is in no notice about a server that refuses to connect', async (t) => {
    const url = await startQuotingServer(t, true);
    const { client } = await startTyped(t, { mcpServers: { web: { url, headers: { 'X-Key': secret } } } });
    await eventually(async () => (await client.tools()).servers[0]?.error ?? null, 'the error of the server');
    await readAll(client.chat('go'));
    assert.deepEqual(leaks([client.frames, await client.tools()]), []);
  });
});
