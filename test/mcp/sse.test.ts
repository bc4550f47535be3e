/** Tests MCP over HTTP with server-sent events (before Streamable HTTP): detection, calls and reconnects. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { startSseServer } from '../support/mcp-sse-server.ts';
import { httpServer, startMcpServers } from '../support/mcp-servers.ts';

async function start(t: TestContext, limits: Parameters<typeof startMcpServers>[1] = {}) {
  const server = await startSseServer();
  t.after(server.stop);
  const box = await startMcpServers([{ ...httpServer('old', server.url), headers: { 'x-tenant': 'blue' } }], limits);
  t.after(box.stop);
  await box.host.settled();
  return { server, box };
}

describe('a server with only HTTP and server-sent events', () => {
  test('is detected, and gets the headers of its block', async (t) => {
    const { server, box } = await start(t);
    assert.deepEqual(
      box.host.statuses().map(({ state, tools }) => [state, tools]),
      [['ready', 3]],
    );
    assert.equal((await box.call('count')).status, 'ok');
    assert.ok(server.headersSeen.every((headers) => headers['x-tenant'] === 'blue'));
    assert.equal(server.sessions.size, 1);
  });

  test('notifies of a changed list', async (t) => {
    const { server, box } = await start(t);
    const before = box.host.tools();
    const changed = Promise.withResolvers<void>();
    const subscription = box.actor('old').subscribe(() => box.host.tools() !== before && changed.resolve());
    server.grow();
    await changed.promise;
    subscription.unsubscribe();
    assert.ok(box.host.tools().some(({ name }) => name === 'grown'));
  });

  test('is notified of a cancelled call', async (t) => {
    const { server, box } = await start(t);
    const abort = new AbortController();
    const end = box.call('hang', {}, { signal: abort.signal });
    while (!server.seen.includes('hang')) await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    assert.deepEqual(await end, { status: 'cancelled' });
    while (!server.seen.includes('cancelled')) await new Promise((resolve) => setImmediate(resolve));
  });

  test('loses its calls when its stream ends, and serves the next call in a new session', async (t) => {
    const { server, box } = await start(t, { maxReconnectAttempts: 1_000 });
    const hanging = box.call('hang');
    while (!server.seen.includes('hang')) await new Promise((resolve) => setImmediate(resolve));

    await server.stop();
    assert.equal((await hanging).status, 'lost');
    await box.reaches('old', 'backingOff');
    const restarted = await startSseServer({ port: server.port });
    t.after(restarted.stop);

    assert.equal((await box.call('count')).status, 'ok');
    assert.deepEqual(restarted.seen, ['count']);
  });

  test('gets a call again in a new session, once, after it lost the session', async (t) => {
    const { server, box } = await start(t);
    server.sessions.clear();
    assert.equal((await box.call('count')).status, 'ok');
    assert.deepEqual(server.seen, ['count']);
  });

  test('loses its calls after an oversized message, and reconnects', async (t) => {
    const { box } = await start(t, { maxMessageBytes: 64 * 1024 });
    assert.equal((await box.call('big')).status, 'lost');
    assert.equal((await box.call('count')).status, 'ok');
  });
});

test('a server that rejects every request is reported with its status, not with a missing event stream', async (t) => {
  const server = await startHttpServer({ era: 'sessions' });
  t.after(server.stop);
  server.refuse(404);
  const box = await startMcpServers([httpServer('web', server.url)], { maxReconnectAttempts: 0 });
  t.after(box.stop);
  await box.reaches('web', 'failed');
  assert.equal(box.host.statuses()[0]?.error, 'answered HTTP 404');
});
