/**
 * Checks SIGTERM and SIGINT on the real process: which turns finish, which are left to the next start, and when it
 * exits. The plain client, because close codes matter here and the shipped client reconnects by itself.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import type { Client } from '../support/client.ts';
import { textOf } from '../support/client.ts';
import { says, saysStepwise, stalls } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { eventually } from '../support/eventually.ts';
import { allExited, descendants } from '../support/processes.ts';
import { createTempHome, type ServerProcess } from '../support/temp-home.ts';

async function start(t: TestContext, drainTimeout: number) {
  const model = await startModelServer();
  t.after(() => model.close());
  const home = await createTempHome(t, { modelUrl: model.url, config: { shutdown: { drain_timeout: drainTimeout } } });
  return { model, home, server: home.start() };
}

const closeOf = (client: Client) => once(client.socket, 'close').then(([code]) => Number(code));
const isDraining = (server: ServerProcess) => eventually(() => server.output.stderr.includes('draining'), 'the drain');

describe('a drain', () => {
  test('lets the running turn end, rejects new ones, closes with 1012 and exits with 0', async (t) => {
    const { model, server } = await start(t, 10);
    const answer = saysStepwise('one ', 'two');
    model.script(answer.reply);
    const client = await server.connect();
    client.send('chat', { text: 'count', conversation_id: 'c1' }, 'r1');
    answer.release();
    await client.waitFor(() => textOf(client.frames) === 'one ');

    server.kill('SIGTERM');
    await isDraining(server);
    for (const conversation of ['c1', 'c2']) {
      const refused = await client.chat('too late', { conversation_id: conversation });
      assert.deepEqual([refused.end.error?.code, refused.end.error?.retryable], ['shutting_down', true]);
      const backAfterMs = Number(refused.end.error?.data['retry_after_ms']);
      assert.ok(backAfterMs >= 1_000 && backAfterMs <= 11_000, `the rest of the drain and a start: ${backAfterMs} ms`);
    }
    const closed = closeOf(client);
    answer.release();

    const turn = await client.turn('r1');
    assert.deepEqual([turn.end.status, turn.text], ['complete', 'one two']);
    assert.equal(await closed, 1012);
    assert.deepEqual(await server.exited, { code: 0, signal: null });
  });

  test('closes a socket as soon as nothing more is sent over it', async (t) => {
    const { model, server } = await start(t, 60);
    const [short, long] = [saysStepwise('one ', 'two'), saysStepwise('a ', 'b')];
    model.script(says('Hello.'), short.reply, long.reply);
    const [sender, idle, follower, elsewhere, last] = [
      await server.connect(),
      await server.connect(),
      await server.connect(),
      await server.connect(),
      await server.connect(),
    ];
    await idle.chat('Hi', { conversation_id: 'c0' });
    sender.send('chat', { text: 'count', conversation_id: 'c1' }, 'r1');
    await short.gates[0]?.reached;
    last.send('chat', { text: 'spell', conversation_id: 'c2' }, 'r2');
    await long.gates[0]?.reached;
    await follower.ask('subscribe', { conversation_id: 'c1', after_seq: 0 });
    await elsewhere.ask('subscribe', { conversation_id: 'c0', after_seq: 0 });
    const [senderGone, followerGone, lastGone] = [sender, follower, last].map(closeOf);

    const gone = [idle, elsewhere].map(closeOf);
    server.kill('SIGTERM');
    assert.deepEqual(await Promise.all(gone), [1012, 1012], 'nothing runs for these');
    assert.deepEqual((await sender.ask('ping')).result, {}, 'its turn runs');

    short.release(2);
    assert.deepEqual([await senderGone, await followerGone], [1012, 1012]);
    assert.deepEqual([textOf(sender.frames), sender.frames.at(-1)?.status], ['one two', 'complete']);
    assert.deepEqual([textOf(follower.frames), follower.frames.at(-1)?.status], ['one two', 'complete']);
    assert.deepEqual((await last.ask('ping')).result, {}, 'another turn still runs');

    long.release(2);
    assert.equal(await lastGone, 1012);
    assert.equal((await last.turn('r2')).text, 'a b');
    assert.deepEqual(await server.exited, { code: 0, signal: null });
  });

  test('accepts no new sockets, and its pages still answer', async (t) => {
    const { model, server } = await start(t, 60);
    const answer = saysStepwise('one');
    model.script(answer.reply);
    const client = await server.connect();
    client.send('chat', { text: 'count', conversation_id: 'c1' }, 'r1');
    await answer.gates[0]?.reached;
    server.kill('SIGTERM');
    await isDraining(server);

    const url = await server.listening;
    const socket = new WebSocket(url);
    socket.on('error', () => undefined);
    const [, response] = await once(socket, 'unexpected-response');
    assert.deepEqual([response.statusCode, response.headers['retry-after']], [503, '1']);
    assert.equal((await fetch(new URL('/ready', url.replace('ws:', 'http:')))).status, 503);

    answer.release();
    assert.equal((await client.turn('r1')).text, 'one');
    assert.deepEqual(await server.exited, { code: 0, signal: null });
  });

  test('leaves a turn that does not end in time to the next start, which resumes it for the returning client', async (t) => {
    const { model, home, server } = await start(t, 0.2);
    model.script(stalls('Once '), says('Once upon a time.'));
    const client = await server.connect();
    client.send('chat', { text: 'a story', conversation_id: 'c1' }, 'r1');
    await client.waitFor(() => textOf(client.frames) === 'Once ');

    const closed = closeOf(client);
    server.kill('SIGTERM');
    assert.equal(await closed, 1012);
    assert.deepEqual(await server.exited, { code: 0, signal: null });
    assert.equal(await model.requests[0]?.end, 'aborted');
    assert.ok(
      !client.frames.some((frame) => frame.status === 'complete' || frame.status === 'error'),
      'nothing was said that is not so',
    );

    const back = await home.start().connect();
    const turn = await back.chat('a story', { conversation_id: 'c1' }, 'r1');
    assert.equal(turn.text, 'Once upon a time.');
    assert.deepEqual(model.violations, []);
  });

  test('by SIGINT ends an idle server at once', async (t) => {
    const { server } = await start(t, 60);
    const client = await server.connect();
    await client.chat('Hi', { conversation_id: 'c1' });
    const closed = closeOf(client);
    server.kill('SIGINT');
    assert.equal(await closed, 1012);
    assert.deepEqual(await server.exited, { code: 0, signal: null });
  });

  test('does not wait for connections that never send anything', async (t) => {
    const { server } = await start(t, 60);
    const { port } = new URL(await server.listening);
    const silent = connectTcp(Number(port), '127.0.0.1');
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    server.kill('SIGTERM');
    assert.deepEqual(await server.exited, { code: 0, signal: null });
  });

  test('is cut short by a second signal', async (t) => {
    const { model, server } = await start(t, 60);
    model.script(stalls('Once '));
    const client = await server.connect();
    client.send('chat', { text: 'a story', conversation_id: 'c1' });
    await client.waitFor(() => textOf(client.frames) === 'Once ');
    server.kill('SIGTERM');
    await isDraining(server);
    server.kill('SIGINT');
    assert.deepEqual(await server.exited, { code: 1, signal: null });
  });
});

test('a signal before the server listens ends the start with a message, and no process stays', async (t) => {
  // An MCP server that never answers `initialize` delays the start.
  const home = await createTempHome(t, {
    mcpServers: { mute: { command: 'sleep', args: ['600'] } },
    config: {
      mcp: { config_file: 'servers.json', connection: { startup_wait: 60, connection_timeout: 60, close_grace: 0.2 } },
    },
  });
  const server = home.start();
  const started = await eventually(async () => {
    const found = await descendants(server.pid);
    return found.length >= 2 && found;
  }, 'the MCP server and its guard');

  server.kill('SIGTERM');

  assert.deepEqual(await server.exited, { code: 0, signal: null });
  assert.match(server.output.stderr, /Parley was stopped before it listened; nothing is left running\.\n$/);
  assert.equal(server.output.stdout, '');
  await allExited(started);
});
