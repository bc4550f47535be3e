/** Checks the plain pages: health, readiness, metrics, and malformed requests. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { pageOf, readMetrics } from '../support/metrics.ts';
import { fails, says, saysStepwise } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, startParley } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { createScriptedTempHome } from '../support/temp-home.ts';
import { connectClient, readUntilText, startTyped, withCode } from '../support/typed-client.ts';

test('GET /health reports the uptime and the state of the MCP servers', async (t) => {
  const parley = await startParley(t, { mcpServers: demoServer });
  const response = await fetch(pageOf(parley.url, '/health'));
  assert.equal(response.status, 200);
  const health: unknown = await response.json();
  assert.ok(
    typeof health === 'object' &&
      health &&
      'status' in health &&
      'version' in health &&
      'uptime_seconds' in health &&
      'mcp_servers' in health,
  );
  assert.deepEqual([health.status, health.version, typeof health.uptime_seconds], ['ok', 'test', 'number']);
  assert.deepEqual(health.mcp_servers, [
    { name: 'demo', state: 'ready', tools: 4, protocol: '2025-11-25', error: null, authorize_url: null },
  ]);
});

test('GET /ready is 200 while chats are accepted and 503 from the first moment of a drain; /health stays 200', async (t) => {
  const { model, home } = await createScriptedTempHome(t);
  const server = home.start();
  const url = await server.listening;
  const answer = saysStepwise('one ', 'two');
  model.script(answer.reply);
  const turn = connectClient(t, url).chat('count');
  answer.release();
  await readUntilText(turn, 'one ');
  const statusOf = async (path: string) => (await fetch(pageOf(url, path))).status;
  assert.equal(await statusOf('/ready'), 200);
  server.kill('SIGTERM');
  await eventually(() => server.output.stderr.includes('draining'), 'the drain');
  assert.deepEqual([await statusOf('/ready'), await statusOf('/health')], [503, 200]);
  answer.release();
  assert.equal((await server.exited).code, 0);
});

test('GET /metrics counts and times real turns, hops, tools, tokens and commits', async (t) => {
  const { parley, model, client } = await startTyped(t, { mcpServers: demoServer });
  const waiting = saysStepwise('at last');
  model.script(
    asks([{ name: 'add', arguments: { a: 2, b: 3 } }]),
    says('It is 5.'),
    fails(401, 'bad key'),
    says('Hi.'),
    waiting.reply,
  );
  await client.chat('add 2 and 3', { conversationId: 'c1' }).end;
  await assert.rejects(client.chat('again', { conversationId: 'c2' }).end, withCode('provider_auth'));
  await client.chat('Hello', { conversationId: 'c2' }).end;
  const open = client.chat('take your time', { conversationId: 'c1' });
  await model.request(5);

  const metrics = await readMetrics(parley.url);
  const expected = {
    parley_connections: 1,
    parley_conversations_live: 2,
    parley_open_turns: 1,
    parley_writes_queued: 0,
    'parley_turns_total{end="stop"}': 2,
    'parley_turns_total{end="provider_auth"}': 1,
    'parley_turn_seconds_count{end="stop"}': 2,
    parley_first_chunk_seconds_count: 2,
    'parley_hop_seconds_count{provider="scripted",end="finished"}': 3,
    'parley_hop_seconds_count{provider="scripted",end="provider_auth"}': 1,
    'parley_tool_seconds_count{server="demo",status="ok"}': 1,
    'parley_tokens_total{kind="prompt",provider="scripted",model="scripted-model"}': 33,
    'parley_tokens_total{kind="completion",provider="scripted",model="scripted-model"}': 21,
  };
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, metrics.get(name)])), expected);
  const value = (name: string) => metrics.get(name) ?? Number.NaN;
  // Four messages; the hop, its result and its end; an end for each of two other turns.
  assert.equal(value('parley_commit_appends_sum'), 9);
  assert.ok(
    value('parley_commit_rows_sum') > value('parley_commit_appends_sum'),
    'rows of one append are committed together',
  );
  assert.equal(value('parley_commit_seconds_count'), value('parley_commit_rows_count'));
  assert.ok(value('parley_commit_seconds_sum') > 0 && value('parley_turn_seconds_sum{end="stop"}') > 0);
  assert.ok(value('parley_event_loop_delay_p99_seconds') >= 0 && value('parley_event_loop_delay_p99_seconds') < 1);
  assert.ok(value('parley_log_cache_bytes') > 1000 && value('parley_process_resident_memory_bytes') > 1e7);
  waiting.release();
  await open.end;
  assert.equal((await readMetrics(parley.url)).get('parley_open_turns'), 0);
});

describe('a malformed request', () => {
  for (const { name, request, answer } of [
    {
      name: 'the path //',
      request: 'GET // HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      answer: /^HTTP\/1\.1 404 /,
    },
    {
      name: 'an absolute URL',
      request: 'GET http://[oops/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      answer: /^HTTP\/1\.1 404 /,
    },
    {
      name: 'an upgrade at //',
      request: 'GET // HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      answer: /^HTTP\/1\.1 404 /,
    },
    {
      name: 'an upgrade without a key',
      request: 'GET /ws/chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      answer: /^HTTP\/1\.1 400 /,
    },
    { name: 'bytes that are no HTTP', request: '\u0016\u0003\u0001 hello\r\n\r\n', answer: /^HTTP\/1\.1 400 / },
    {
      name: 'the method POST',
      request: 'POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
      answer: /^HTTP\/1\.1 405 /,
    },
  ]) {
    test(`with ${name} gets an answer, and other clients are served`, async (t) => {
      const parley = await startParley(t);
      const socket = connectTcp(Number(new URL(parley.url).port), '127.0.0.1');
      await once(socket, 'connect');
      socket.write(request);
      assert.match(await readText(socket), answer);
      await connectClient(t, parley.url).chat('Hi').end;
    });
  }
});

test('GET /ready is 503 and GET /health says why soon after the database was moved, without a write, until it is back', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-moved-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'events.db');
  const parley = await startParley(t, { config: { repository: { path } } });
  const get = async (page: string) => {
    const response = await fetch(pageOf(parley.url, page));
    return [response.status, await response.json()] as const;
  };
  const well = { problem: null, message: null };
  const moved = { problem: 'moved', message: 'The file of the event log was moved, replaced or deleted.' };
  assert.deepEqual(await get('/ready'), [200, { status: 'ready' }]);
  assert.partialDeepStrictEqual(await get('/health'), [200, { status: 'ok', storage: well }]);

  await rename(path, `${path}.moved`);
  await eventually(async () => (await get('/ready'))[0] === 503, 'the moved file to be noticed');
  assert.deepEqual(await get('/ready'), [503, { status: 'storage_failed', storage: moved }]);
  assert.partialDeepStrictEqual(await get('/health'), [200, { status: 'degraded', storage: moved }]);

  await rename(`${path}.moved`, path);
  await eventually(async () => (await get('/ready'))[0] === 200, 'the file to be served again');
  assert.partialDeepStrictEqual(await get('/health'), [200, { status: 'ok', storage: well }]);
  assert.equal((await (await parley.connect()).chat('Hi')).end.status, 'complete');
});
