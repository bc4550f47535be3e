/** An MCP server that asks for OAuth, as people meet it: on the terminal, in the list of tools, in a conversation, after a restart. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Client } from '../../src/client/client.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { pageOf } from '../support/metrics.ts';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { startOAuthServer } from '../support/oauth-server.ts';
import { createScriptedHome } from '../support/scripted-home.ts';
import { eventually } from '../support/server-process.ts';
import { connectClient } from '../support/typed-client.ts';

async function startGated(t: TestContext) {
  const oauth = await startOAuthServer();
  const web = await startHttpServer({ era: 'sessions', gate: oauth.gate('use') });
  t.after(() => Promise.all([web.stop(), oauth.stop()]));
  return { oauth, ...(await createScriptedHome(t, { mcpServers: { web: { url: web.url } } })) };
}

async function standing(client: Client) {
  const {
    servers: [server],
  } = await client.tools();
  assert.ok(server);
  return server;
}

test('the terminal and the list of tools tell what to open; then its tools are there, also after a kill', async (t) => {
  const { oauth, model, home } = await startGated(t);
  const first = home.start();
  const client = connectClient(t, await first.listening);
  const { state, authorize_url: url } = await standing(client);
  assert.deepEqual([state, typeof url], ['authorizing', 'string']);
  assert.ok(first.output.stderr.includes(JSON.stringify(url)), 'the terminal');
  assert.match(first.output.stdout, /MCP: web \(needs a person to sign in with a browser\)/);
  const health = await (await fetch(pageOf(await first.listening, '/health'))).text();
  assert.match(health, /"state":"authorizing"/);

  await oauth.browse(String(url));
  await eventually(async () => (await standing(client)).state === 'ready', 'the server to be ready');
  model.script(asks([{ name: 'count' }]), says('Once.'));
  assert.equal(await client.chat('count').text(), 'Once.');

  first.kill('SIGKILL');
  await first.exited;
  const again = connectClient(t, await home.start().listening);
  assert.equal((await standing(again)).state, 'ready');
  assert.equal(statSync(join(home.folder, 'credentials.json')).mode & 0o777, 0o600);
  assert.equal(oauth.counts.redeemed, 1);
});
