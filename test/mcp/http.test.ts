/** MCP over Streamable HTTP against real servers that are stopped, restarted and forget their sessions. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { httpServer, startMcpServers } from '../support/mcp-servers.ts';

for (const era of ['sessions', 'stateless'] as const) {
  describe(`an HTTP server (${era})`, () => {
    test('is negotiated with, and answers calls with the headers that its block lists', async (t) => {
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

    test('is heard when it logs, in the log and by the call it is at work on', async (t) => {
      const server = await startHttpServer({ era });
      t.after(server.stop);
      const box = await startMcpServers([httpServer('web', server.url)]);
      t.after(box.stop);
      await box.host.settled();
      const heard: unknown[] = [];

      await box.call('talk', {}, { onLog: (entry) => heard.push(entry) });

      assert.deepEqual(heard, [{ level: 'warning', text: 'talker: {"low":true}' }]);
      assert.ok(box.lines.includes('web: warning: talker: {"low":true}'));
    });

    test('is told of a cancelled call, which ends at once', async (t) => {
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

    test('that dies takes its calls in flight with it, and serves again under the same address', async (t) => {
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

    test('that fails while nothing is asked of it is found by its health check, and is back as soon as it can be', async (t) => {
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

    test('that answers with more than a message may weigh loses that call alone', async (t) => {
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

test('a server that is not there is told to be so, whatever was asked of it first', async (t) => {
  const { stop, url } = await startHttpServer({ era: 'sessions' });
  await stop();
  const box = await startMcpServers([httpServer('asked', url, 'auto'), httpServer('told', url, 'legacy')], {
    maxReconnectAttempts: 0,
  });
  t.after(box.stop);
  await box.host.settled();
  assert.deepEqual(
    box.host.statuses().map(({ error }) => error),
    ['cannot be reached (ECONNREFUSED)', 'cannot be reached (ECONNREFUSED)'],
  );
});

test('a refused call is an error, a failing server a loss, and neither costs the connection', async (t) => {
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

test('a stream that is cut loses its call, and the next one goes over the same session', async (t) => {
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

for (const unknownSession of [404, 400] as const) {
  test(`a call whose session is unknown (${unknownSession}) is sent again in a new one, once`, async (t) => {
    const server = await startHttpServer({ era: 'sessions', unknownSession });
    t.after(server.stop);
    const box = await startMcpServers([httpServer('web', server.url)]);
    t.after(box.stop);
    await box.host.settled();
    server.sessions.clear();

    assert.equal((await box.call('count')).status, 'ok');

    assert.deepEqual(server.seen, ['count']);
    assert.equal(box.host.statuses()[0]?.state, 'ready');
  });
}

test('a session that was forgotten is found by the health check, and another one opened before anybody calls', async (t) => {
  const server = await startHttpServer({ era: 'sessions' });
  t.after(server.stop);
  const box = await startMcpServers([httpServer('web', server.url)], { healthIntervalMs: 50 });
  t.after(box.stop);
  await box.host.settled();

  server.sessions.clear();
  await box.reaches('web', 'backingOff');
  await box.reaches('web', 'ready');

  assert.equal(server.sessions.size, 1);
});

test('draining tells an HTTP server that the session is over', async (t) => {
  const server = await startHttpServer({ era: 'sessions' });
  t.after(server.stop);
  const box = await startMcpServers([httpServer('web', server.url)]);
  await box.host.settled();
  assert.equal(server.sessions.size, 1);

  await box.stop();

  assert.equal(server.sessions.size, 0);
});

test('a change of the list of tools is heard on a stateless server, also after its stream was cut', async (t) => {
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

test('a server pinned to a revision that it does not speak fails with a reason', async (t) => {
  const server = await startHttpServer({ era: 'sessions' });
  t.after(server.stop);
  const box = await startMcpServers([httpServer('web', server.url, { revision: '2026-07-28' })], {
    maxReconnectAttempts: 0,
  });
  t.after(box.stop);

  await box.reaches('web', 'failed');

  assert.notEqual(box.host.statuses()[0]?.error, null);
});
