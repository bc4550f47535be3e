/** Tests MCP over Streamable HTTP with real servers that stop, restart and lose their sessions. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { httpServer, startMcpServers } from '../support/mcp-servers.ts';

for (const era of ['sessions', 'stateless'] as const) {
  describe(`an HTTP server (${era})`, () => {
    test('negotiates, and gets calls with the headers of its block', async (t) => {
      const server = await startHttpServer({ era });
      t.after(server.stop);
      const box = await startMcpServers([{ ...httpServer('web', server.url), headers: { 'x-tenant': 'blue' } }]);
      t.after(box.stop);
      await box.host.settled();

      assert.deepEqual(box.host.statuses(), [
        {
          name: 'web',
          state: 'ready',
          tools: 5,
          protocol: era === 'sessions' ? '2025-11-25' : '2026-07-28',
          error: null,
          authorizeUrl: null,
        },
      ]);
      assert.equal((await box.call('count')).status, 'ok');
      assert.ok(server.headersSeen.every((headers) => headers['x-tenant'] === 'blue'));
      assert.equal(
        server.headersSeen.at(-1)?.['mcp-protocol-version'],
        era === 'sessions' ? '2025-11-25' : '2026-07-28',
      );
    });

    test('has its log messages in the log and at the running call', async (t) => {
      const server = await startHttpServer({ era });
      t.after(server.stop);
      const box = await startMcpServers([httpServer('web', server.url)]);
      t.after(box.stop);
      await box.host.settled();
      const entries: unknown[] = [];

      await box.call('talk', {}, { onLog: (entry) => entries.push(entry) });

      assert.deepEqual(entries, [{ level: 'warning', text: 'talker: {"low":true}' }]);
      assert.ok(box.lines.includes('web: warning: talker: {"low":true}'));
    });

    test('is notified of a cancelled call, which ends at once', async (t) => {
      const server = await startHttpServer({ era });
      t.after(server.stop);
      const box = await startMcpServers([httpServer('web', server.url)]);
      t.after(box.stop);
      await box.host.settled();
      const abort = new AbortController();

      const end = box.call('hang', {}, { signal: abort.signal });
      await server.sees('hang');
      abort.abort();

      assert.deepEqual(await end, { status: 'cancelled' });
      await server.sees('cancelled');
    });

    test('loses its running calls when it stops, and serves again at the same address', async (t) => {
      const server = await startHttpServer({ era });
      const box = await startMcpServers([httpServer('web', server.url)], { maxReconnectAttempts: 1_000 });
      t.after(box.stop);
      await box.host.settled();
      const end = box.call('hang');
      await server.sees('hang');

      await server.stop();
      assert.equal((await end).status, 'lost');

      const away = await box.call('count', {}, { timeoutMs: 200 });
      assert.equal(away.status, 'not_sent');
      const restarted = await startHttpServer({ era, port: server.port });
      t.after(restarted.stop);
      assert.equal((await box.call('count')).status, 'ok');
      assert.deepEqual(restarted.seen, ['count']);
    });

    test('is found lost by its health check while it is idle, and reconnects as soon as it is back', async (t) => {
      const server = await startHttpServer({ era });
      t.after(server.stop);
      const box = await startMcpServers([httpServer('web', server.url)], {
        healthIntervalMs: 50,
        maxReconnectAttempts: 1_000,
      });
      t.after(box.stop);
      await box.host.settled();

      server.refuse(503);
      await box.reaches('web', 'backingOff');
      server.refuse(null);
      await box.reaches('web', 'ready');

      assert.equal((await box.call('count')).status, 'ok');
    });

    test('loses only the call whose response exceeds the size limit', async (t) => {
      const server = await startHttpServer({ era });
      t.after(server.stop);
      const box = await startMcpServers([httpServer('web', server.url)], { maxMessageBytes: 64 * 1024 });
      t.after(box.stop);
      await box.host.settled();

      assert.equal((await box.call('big')).status, 'lost');
      assert.equal((await box.call('count')).status, 'ok');
    });
  });
}

test('an unreachable server is reported as such, with and without a probe', async (t) => {
  const { stop, url } = await startHttpServer({ era: 'sessions' });
  await stop();
  const box = await startMcpServers([httpServer('probed', url, 'auto'), httpServer('pinned', url, 'legacy')], {
    maxReconnectAttempts: 0,
  });
  t.after(box.stop);
  await box.host.settled();
  assert.deepEqual(
    box.host.statuses().map(({ error }) => error),
    ['cannot be reached (ECONNREFUSED)', 'cannot be reached (ECONNREFUSED)'],
  );
});

test('a rejected call is an error, a failing server a loss, and the connection survives both', async (t) => {
  const server = await startHttpServer({ era: 'sessions' });
  t.after(server.stop);
  const box = await startMcpServers([httpServer('web', server.url)]);
  t.after(box.stop);
  await box.host.settled();

  server.refuse(403);
  const refused = await box.call('count');
  server.refuse(503);
  const failed = await box.call('count');
  server.refuse(null);

  assert.equal(refused.status, 'error');
  assert.match(
    'text' in refused ? refused.text : '',
    /^The MCP server "web" refused the call \(HTTP 403\): .*not today/,
  );
  assert.deepEqual(failed, { status: 'lost', text: 'The MCP server "web" failed during the call (HTTP 503).' });
  assert.equal((await box.call('count')).status, 'ok');
  assert.equal(server.sessions.size, 1);
});

test('a cut stream loses its call, and the next call uses the same session', async (t) => {
  const server = await startHttpServer({ era: 'sessions' });
  t.after(server.stop);
  const box = await startMcpServers([httpServer('web', server.url)]);
  t.after(box.stop);
  await box.host.settled();

  const end = box.call('hang');
  await server.sees('hang');
  server.cutStreams();

  assert.deepEqual(await end, { status: 'lost', text: 'The MCP server "web" ended the stream before it answered.' });
  assert.equal((await box.call('count')).status, 'ok');
  assert.equal(server.sessions.size, 1);
});

const jsonHeaders = { 'content-type': 'application/json' };
const notFound = { jsonrpc: '2.0', id: null, error: { code: -32_001, message: 'Session not found' } };

for (const [what, unknownSession] of [
  ['404', () => new Response(null, { status: 404 })],
  ['400', () => new Response('no such session', { status: 400 })],
  ['410', () => new Response(null, { status: 410 })],
  ['500 with words', () => new Response('unknown session', { status: 500 })],
  ['503 with words', () => new Response('{"error":"Invalid session ID"}', { status: 503 })],
  ['200 with an error', () => new Response(JSON.stringify(notFound), { headers: jsonHeaders })],
  ['200 with a text as error', () => new Response('{"error":"Session expired"}', { headers: jsonHeaders })],
  [
    '200 with an error in a stream',
    () =>
      new Response('event: message\ndata: {"error":"Session not found"}\n\n', {
        headers: { 'content-type': 'text/event-stream' },
      }),
  ],
] as const) {
  test(`a call whose session is unknown (${what}) is sent again in a new one, once`, async (t) => {
    const server = await startHttpServer({ era: 'sessions', unknownSession });
    t.after(server.stop);
    const box = await startMcpServers([httpServer('web', server.url)], { pingTimeoutMs: 10_000 });
    t.after(box.stop);
    await box.host.settled();
    server.sessions.clear();

    assert.equal((await box.call('count')).status, 'ok');

    assert.deepEqual(server.seen, ['count']);
    assert.equal(box.host.statuses()[0]?.state, 'ready');
  });

  test(`a session that is unknown (${what}) is found by the health check, and replaced`, async (t) => {
    const server = await startHttpServer({ era: 'sessions', unknownSession });
    t.after(server.stop);
    const box = await startMcpServers([httpServer('web', server.url)], { healthIntervalMs: 50, pingTimeoutMs: 10_000 });
    t.after(box.stop);
    await box.host.settled();

    server.sessions.clear();
    await box.reaches('web', 'backingOff');
    await box.reaches('web', 'ready');

    assert.equal(server.sessions.size, 1);
  });
}

test('a call that a session ended with is not sent again, and the next one uses a new session', async (t) => {
  const unknownSession = () => new Response('Session terminated', { status: 500 });
  const server = await startHttpServer({ era: 'sessions', unknownSession });
  t.after(server.stop);
  const box = await startMcpServers([httpServer('web', server.url)], { pingTimeoutMs: 10_000 });
  t.after(box.stop);
  await box.host.settled();
  server.sessions.clear();

  assert.equal((await box.call('count')).status, 'lost');
  assert.equal((await box.call('count')).status, 'ok');

  assert.deepEqual(server.seen, ['count']);
});

test('draining ends the session at an HTTP server', async (t) => {
  const server = await startHttpServer({ era: 'sessions' });
  t.after(server.stop);
  const box = await startMcpServers([httpServer('web', server.url)]);
  await box.host.settled();
  assert.equal(server.sessions.size, 1);

  await box.stop();

  assert.equal(server.sessions.size, 0);
});

test('a stateless server notifies of a changed list of tools, also after its stream was cut', async (t) => {
  const server = await startHttpServer({ era: 'stateless' });
  t.after(server.stop);
  const box = await startMcpServers([httpServer('web', server.url)]);
  t.after(box.stop);
  await box.host.settled();
  const changed = () =>
    new Promise<void>((resolve) => {
      const before = box.host.tools();
      const subscription = box.actor('web').subscribe(() => {
        if (box.host.tools() === before) return;
        subscription.unsubscribe();
        resolve();
      });
    });

  const first = changed();
  server.announceTools();
  await first;
  const reread = changed();
  server.cutStreams();
  await reread;
  const second = changed();
  server.announceTools();
  await second;

  assert.equal(box.host.statuses()[0]?.state, 'ready');
});

test('a server fails with a reason if it does not support its pinned revision', async (t) => {
  const server = await startHttpServer({ era: 'sessions' });
  t.after(server.stop);
  const box = await startMcpServers([httpServer('web', server.url, { revision: '2026-07-28' })], {
    maxReconnectAttempts: 0,
  });
  t.after(box.stop);

  await box.reaches('web', 'failed');

  assert.notEqual(box.host.statuses()[0]?.error, null);
});
