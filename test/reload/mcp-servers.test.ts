/** Tests MCP servers that a reload adds, removes, changes and does not touch. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { createGate, done, finish, gate, says, streams, usage } from '../support/model/replies.ts';
import { startModelServer, type ModelServer } from '../support/model/server.ts';
import { asks, callParts } from '../support/model/tool-calls.ts';
import { startOAuthServer } from '../support/oauth-server.ts';
import { demoServer, misbehavingServer } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { allExited, descendants, processesMentioning } from '../support/processes.ts';
import type { TempHomeOptions } from '../support/temp-home.ts';
import { connectClient, readAll, type RecordedClient } from '../support/typed-client.ts';
import { startReloadable, startReloadableProcess, type Reloadable } from './scene.ts';

interface Scene<T extends Reloadable> {
  scene: T;
  model: ModelServer;
  client: RecordedClient;
}

async function startWith<T extends Reloadable>(
  startScene: (t: TestContext, options: TempHomeOptions) => Promise<T>,
  t: TestContext,
  mcpServers: Record<string, unknown>,
  connection = {},
): Promise<Scene<T>> {
  const model = await startModelServer();
  t.after(() => model.close());
  const scene = await startScene(t, { modelUrl: model.url, mcpServers, config: { mcp: { connection } } });
  return { scene, model, client: connectClient(t, scene.url) };
}

const start = (t: TestContext, servers: Record<string, unknown>, connection = {}) =>
  startWith(startReloadable, t, servers, connection);
/** For tests that look at the processes of servers, or at the log as it is written. */
const startProcess = (t: TestContext, servers: Record<string, unknown>, connection = {}) =>
  startWith(startReloadableProcess, t, servers, connection);

const statesOf = async (client: RecordedClient) =>
  Object.fromEntries((await client.tools()).servers.map(({ name, state }) => [name, state]));
const until = (client: RecordedClient, name: string, state: string) =>
  eventually(async () => (await statesOf(client))[name] === state, `${name} to be ${state}`);

describe('a server that a reload adds', () => {
  it('is connected to, and its tools are offered from the next hop on', async (t) => {
    const { scene, model, client } = await start(t, misbehavingServer());
    scene.mcpServers = { ...scene.mcpServers, ...demoServer };
    assert.deepEqual((await scene.reload())['reloaded'], ['mcpServers.demo']);
    await until(client, 'demo', 'ready');
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('Five.'));
    const chunks = await readAll(client.chat('2 + 3?'));
    assert.ok(chunks.some((chunk) => chunk.type === 'tool_result' && chunk.data === '5'));
    assert.ok(model.requests[0]?.body.tools?.some((tool) => tool.function.name === 'add'));
  });

  it('leaves the others their connection: they are not started again', async (t) => {
    const { scene, client } = await startProcess(t, misbehavingServer());
    const before = await descendants(scene.parley.pid);
    scene.mcpServers = { ...scene.mcpServers, ...demoServer };
    await scene.reload();
    await until(client, 'demo', 'ready');
    const after = await descendants(scene.parley.pid);
    assert.deepEqual(
      before.filter((pid) => !after.includes(pid)),
      [],
    );
    assert.equal((await statesOf(client))['odd'], 'ready');
  });
});

describe('a server that a reload removes', () => {
  it('ends, and its tools are offered no more', async (t) => {
    const { scene, model, client } = await startProcess(t, { ...demoServer, ...misbehavingServer() });
    const odd = await processesMentioning('mcp-stdio-server.ts');
    const running = (await descendants(scene.parley.pid)).filter((pid) => odd.includes(pid));
    assert.equal(running.length, 1);
    scene.mcpServers = demoServer;
    assert.deepEqual((await scene.reload())['reloaded'], ['mcpServers.odd']);
    await allExited(running);
    assert.deepEqual(await statesOf(client), { demo: 'ready' });
    model.script(asks([{ name: 'fail' }]), says('I see.'));
    const results = (await readAll(client.chat('go'))).filter((chunk) => chunk.type === 'tool_result');
    assert.match(results[0]?.data ?? '', /no tool "fail"/);
    assert.ok(!model.requests[0]?.body.tools?.some((tool) => tool.function.name === 'fail'));
  });

  it('ends its running call with a result, and the turn continues with a notice', async (t) => {
    const { scene, model, client } = await start(t, misbehavingServer(), { call_grace: 0 });
    model.script(asks([{ name: 'hang' }]), says('I see.'));
    const turn = client.chat('go');
    const seen: string[] = [];
    for await (const chunk of turn) {
      if (chunk.type === 'tool_call') {
        scene.mcpServers = {};
        await scene.reload();
      }
      if (chunk.type === 'notice') seen.push(`${chunk.kind}: ${chunk.data}`);
      if (chunk.type === 'tool_result') seen.push(`${chunk.status}: ${chunk.data}`);
    }
    assert.deepEqual(seen, [
      'server_unavailable: The MCP server "odd" was removed from the configuration; its tools are not offered any more.',
      'outcome_unknown: The connection to the MCP server "odd" was lost during the call. It may or may not have taken effect: check before you repeat it.',
    ]);
    assert.equal((await turn.end).metadata.finish_reason, 'stop');
  });

  it('lets its running call end first', async (t) => {
    const web = await startHttpServer({ era: 'sessions' });
    t.after(web.stop);
    const { scene, model, client } = await start(t, { web: { url: web.url } }, { call_grace: 600 });
    model.script(asks([{ name: 'hold', arguments: { key: 'held' } }]), says('I see.'));
    const turn = client.chat('go');
    const results: string[] = [];
    for await (const chunk of turn) {
      if (chunk.type === 'tool_call') {
        await web.sees('held');
        scene.mcpServers = {};
        await scene.reload();
        web.letGo();
      }
      if (chunk.type === 'tool_result') results.push(`${chunk.status}: ${chunk.data}`);
    }
    assert.deepEqual(results, ['ok: held']);
  });

  it('is not called by a hop that pinned its tools before', async (t) => {
    const { scene, model, client } = await start(t, misbehavingServer());
    const hold = createGate();
    model.script(
      streams(gate(hold), callParts([{ name: 'fail' }], 'split'), finish('tool_calls'), usage(), done()),
      says('I see.'),
    );
    const turn = client.chat('go');
    await model.request(1);
    scene.mcpServers = {};
    await scene.reload();
    hold.open();
    const results = (await readAll(turn)).filter((chunk) => chunk.type === 'tool_result');
    assert.match(results[0]?.data ?? '', /the MCP server "odd" is not configured/);
  });

  it('may come back while it is still leaving', async (t) => {
    const { scene, client } = await startProcess(t, misbehavingServer({ TEST_STUBBORN: '1' }));
    const stubborn = await descendants(scene.parley.pid);
    const odd = (await processesMentioning('mcp-stdio-server.ts')).filter((pid) => stubborn.includes(pid));
    const back = scene.mcpServers;
    scene.mcpServers = {};
    await scene.reload({ mcp: { connection: { close_grace: 5 } } });
    scene.mcpServers = back;
    await scene.reload();
    await until(client, 'odd', 'ready');
    scene.parley.kill('SIGTERM');
    await scene.parley.exited;
    await allExited(odd);
  });

  it('may come back, with the next reload', async (t) => {
    const { scene, client } = await start(t, demoServer);
    scene.mcpServers = {};
    await scene.reload();
    scene.mcpServers = demoServer;
    await scene.reload();
    await until(client, 'demo', 'ready');
    assert.deepEqual((await client.tools()).tools.map(({ server }) => server).at(0), 'demo');
  });
});

describe('a server whose block a reload changes', () => {
  it('is restarted with its new block, and no other server is', async (t) => {
    const { scene, model, client } = await startProcess(t, { ...demoServer, ...misbehavingServer() });
    const before = await descendants(scene.parley.pid);
    const secret = 'sesame';
    scene.mcpServers = { ...demoServer, ...misbehavingServer({ TEST_SECRET: secret }) };
    assert.deepEqual((await scene.reload())['reloaded'], ['mcpServers.odd']);
    await until(client, 'odd', 'ready');
    model.script(asks([{ name: 'environment' }]), says('I see.'));
    const results = (await readAll(client.chat('go'))).filter((chunk) => chunk.type === 'tool_result');
    assert.match(results[0]?.data ?? '', /TEST_SECRET/);
    const after = await descendants(scene.parley.pid);
    assert.equal(before.filter((pid) => !after.includes(pid)).length, 1, 'the one process of the old block');
    assert.ok(!scene.parley.output.stderr.includes(secret));
  });

  it('makes an idempotent call that was running once more', async (t) => {
    const { scene, model, client } = await start(t, misbehavingServer(), { call_grace: 0 });
    model.script(asks([{ name: 'slow', arguments: { ms: 1_000 } }]), says('I see.'));
    const turn = client.chat('go');
    const results: string[] = [];
    for await (const chunk of turn) {
      if (chunk.type === 'tool_call') {
        scene.mcpServers = misbehavingServer({ TEST_OTHER: '1' });
        await scene.reload();
      }
      if (chunk.type === 'tool_result') results.push(chunk.data);
    }
    assert.deepEqual(results, ['done']);
  });

  it('lets its running call end first, and makes later calls with the new block', async (t) => {
    const web = await startHttpServer({ era: 'sessions' });
    t.after(web.stop);
    const { scene, model, client } = await start(t, { web: { url: web.url } }, { call_grace: 600 });
    model.script(asks([{ name: 'hold', arguments: { key: 'held' } }]), asks([{ name: 'count' }]), says('I see.'));
    const turn = client.chat('go');
    const results: string[] = [];
    for await (const chunk of turn) {
      if (chunk.type === 'tool_call' && chunk.name === 'hold') {
        await web.sees('held');
        scene.mcpServers = { web: { url: web.url, headers: { 'x-block': 'new' } } };
        await scene.reload();
        web.letGo();
      }
      if (chunk.type === 'tool_result') results.push(`${chunk.status}: ${chunk.data}`);
    }
    assert.deepEqual(results, ['ok: held', 'ok: 2']);
    assert.equal(
      web.headersSeen.some((headers) => headers['x-block'] === 'new'),
      true,
    );
  });

  it('keeps its OAuth credentials without a new authorization', async (t) => {
    const oauth = await startOAuthServer();
    const web = await startHttpServer({ era: 'sessions', gate: oauth.gate('use') });
    t.after(() => Promise.all([web.stop(), oauth.stop()]));
    const { scene, client } = await start(t, { web: { url: web.url } });
    await oauth.browse((await client.tools()).servers[0]?.authorize_url ?? '');
    await until(client, 'web', 'ready');
    scene.mcpServers = { web: { url: web.url, excludeTools: ['count'] } };
    assert.deepEqual((await scene.reload())['reloaded'], ['mcpServers.web']);
    await eventually(
      async () => !(await client.tools()).tools.some(({ name }) => name === 'count'),
      'the tool to be gone',
    );
    await until(client, 'web', 'ready');
    assert.equal(oauth.counts.redeemed, 1);
  });

  it('follows what is chosen of its tools', async (t) => {
    const { scene, client } = await start(t, demoServer);
    scene.mcpServers = { demo: { ...demoServer.demo, includeTools: ['add'] } };
    await scene.reload();
    await eventually(async () => (await client.tools()).tools.length === 1, 'the one tool that is left');
  });
});
