/** An MCP server that asks for OAuth, as people meet it: on the terminal, in the list of tools, in a conversation, after a restart. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Client } from '../support/client.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { pageOf } from '../support/metrics.ts';
import { startModelServer } from '../support/model-server.ts';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { startOAuthServer } from '../support/oauth-server.ts';
import { createHome, eventually } from '../support/server-process.ts';

async function startGated(t: TestContext) {
  const oauth = await startOAuthServer();
  const web = await startHttpServer({ era: 'sessions', gate: oauth.gate('use') });
  const model = await startModelServer();
  t.after(async () => {
    await Promise.all([web.stop(), oauth.stop(), model.close()]);
  });
  const home = await createHome(t, { modelUrl: model.url, mcpServers: { web: { url: web.url } } });
  return { oauth, model, home };
}

async function standing(client: Client) {
  const { result } = await client.ask('tools');
  const servers: unknown = result?.['servers'];
  const [server]: unknown[] = Array.isArray(servers) ? servers : [];
  assert.ok(typeof server === 'object' && server !== null && 'state' in server && 'authorize_url' in server);
  return server;
}

test('the terminal and the list of tools tell what to open; then its tools are there, also after a kill', async (t) => {
  const { oauth, model, home } = await startGated(t);
  const first = home.start();
  const client = await first.connect();
  const { state, authorize_url: url } = await standing(client);
  assert.deepEqual([state, typeof url], ['authorizing', 'string']);
  assert.ok(first.output.stderr.includes(JSON.stringify(url)), 'the terminal');
  assert.match(first.output.stdout, /MCP: web \(waits for somebody to authorize it in a browser\)/);
  const health = await (await fetch(pageOf(await first.listening, '/health'))).text();
  assert.match(health, /"state":"authorizing"/);

  await oauth.browse(String(url));
  await eventually(async () => (await standing(client)).state === 'ready', 'the server to be ready');
  model.script(asks([{ name: 'count' }]), says('Once.'));
  assert.equal((await client.chat('count')).text, 'Once.');

  first.kill('SIGKILL');
  await first.exited;
  const again = await home.start().connect();
  assert.equal((await standing(again)).state, 'ready');
  assert.equal(statSync(join(home.folder, 'credentials.json')).mode & 0o777, 0o600);
  assert.equal(oauth.counts.redeemed, 1);
});
