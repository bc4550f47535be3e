/** Tests the child process of a stdio server: failed start, hang, crash, restart, and ignored signals. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openJournalled, openMcpServers, textOf } from '../support/mcp-open.ts';
import { createJournal, isAlive, startMcpServers, stdioServer } from '../support/mcp-servers.ts';

describe('a stdio server', () => {
  test('is reconnected after a call that hung was aborted, and the next call works', async (t) => {
    const { box, journal } = await openJournalled(t);
    const abort = new AbortController();

    const frozen = box.call('freeze', {}, { signal: abort.signal });
    await journal.wait('frozen');
    abort.abort();
    assert.deepEqual(await frozen, { status: 'cancelled' });
    await box.reaches('one', 'backingOff');
    assert.equal(textOf(await box.call('count')), 'counted');
  });

  test('is found lost by its health check when it hangs idle, and serves the next call', async (t) => {
    const { box, journal } = await openJournalled(t, { healthIntervalMs: 100 });

    await box.call('doze');
    await journal.wait('dozing');
    await box.reaches('one', 'backingOff');

    assert.match(box.host.statuses()[0]?.error ?? '', /^did not answer a health check; its last output: up as \d+$/);
    assert.equal(textOf(await box.call('count')), 'counted');
  });

  test('gets no health check while a call runs, because many servers do one thing at a time', async (t) => {
    const { box, journal } = await openJournalled(t, { healthIntervalMs: 20, pingTimeoutMs: 20 });

    assert.equal(textOf(await box.call('busy', { ms: 400 })), 'done');
    assert.equal(journal.count('started'), 1);
  });

  test('gets the call in a new process if the old one does not read its input', async (t) => {
    const { box, journal } = await openJournalled(t);

    assert.equal(textOf(await box.call('deafen')), 'deaf');
    assert.equal(textOf(await box.call('count')), 'counted');
    assert.deepEqual([journal.count('counted'), journal.count('started')], [1, 2]);
  });

  test('loses the running calls when it crashes, and serves the next call from a new process', async (t) => {
    const { box, journal } = await openJournalled(t);
    const catalogue = box.host.tools();

    const hanging = box.call('hang');
    await journal.wait('hanging');
    assert.equal((await box.call('crash')).status, 'lost');
    assert.equal((await hanging).status, 'lost');
    assert.match(box.host.statuses()[0]?.error ?? '', /^exited with code 7; its last output: up as \d+$/);
    assert.equal(box.host.tools(), catalogue, 'the tools of a server that is away stay offered');

    assert.equal((await box.call('count')).status, 'ok');
    assert.deepEqual([journal.count('crashed'), journal.count('counted'), journal.count('started')], [1, 1, 2]);
  });

  test('fails after its reconnects, and a waiting call wakes it once more', async (t) => {
    const { box, journal } = await openJournalled(t, { env: { TEST_EXIT_AT_START: '3' } });
    await box.reaches('one', 'failed');
    assert.equal(journal.count('started'), 4);
    assert.match(box.host.statuses()[0]?.error ?? '', /^exited with code 3; its last output: up as \d+$/);

    const tool = {
      name: 'slow',
      server: 'one',
      toolName: 'slow',
      description: '',
      inputSchema: {},
      definition: '',
      idempotent: false,
      permission: 'always' as const,
    };
    const end = await box.callTool(tool);
    assert.deepEqual(end, {
      status: 'not_sent',
      text: 'The call was not made: the MCP server "one" is not available (exited with code 3).',
    });
    assert.equal(journal.count('started'), 5);
  });

  test('fails with the reason if it cannot be started', async (t) => {
    const box = await startMcpServers([{ ...stdioServer('one'), command: 'no-such-program' }], {
      maxReconnectAttempts: 0,
    });
    t.after(box.stop);

    await box.reaches('one', 'failed');

    assert.match(box.host.statuses()[0]?.error ?? '', /could not be started \(ENOENT\)/);
  });

  test('is lost after the connection timeout if it sends nothing', async (t) => {
    const box = await openMcpServers(t, [{ ...stdioServer('one'), command: 'sleep', args: ['600'] }], {
      maxReconnectAttempts: 0,
      connectionTimeoutMs: 100,
      programStartTimeoutMs: 100,
    });

    const error = 'no answer within 0.1 s ("start_timeout" in its block, or mcp.connection.start_timeout)';
    assert.deepEqual(box.host.statuses(), [
      { name: 'one', state: 'failed', tools: 0, protocol: null, error, authorizeUrl: null },
    ]);
  });

  test('negotiates within one start of its process, or uses the one revision of its block', async (t) => {
    const journal = createJournal();
    const server = stdioServer('auto', { TEST_JOURNAL: journal.file });
    const box = await startMcpServers(
      [
        { ...server, protocol: 'auto' },
        { ...stdioServer('old'), protocol: { revision: '2025-06-18' } },
        { ...stdioServer('new'), protocol: { revision: '2026-07-28' } },
      ],
      { maxReconnectAttempts: 0 },
    );
    t.after(async () => {
      await box.stop();
      journal.remove();
    });
    await box.host.settled();

    assert.deepEqual(
      box.host.statuses().map(({ state }) => state),
      ['ready', 'ready', 'failed'],
    );
    assert.match(box.host.statuses()[2]?.error ?? '', /version negotiation/i);
    assert.equal(journal.count('started'), 1);
  });
});

describe('draining', () => {
  test('ends servers that ignore EOF and SIGTERM, and their children, in parallel', async () => {
    const journal = createJournal();
    const env = { TEST_JOURNAL: journal.file, TEST_STUBBORN: '1' };
    const box = await startMcpServers([stdioServer('one', env), stdioServer('two', env)], { closeGraceMs: 100 });
    await box.host.settled();
    const pids: number[] = [];
    for (const name of ['one__pid', 'two__pid', 'one__grandchild']) pids.push(Number(textOf(await box.call(name))));
    assert.deepEqual(pids.map(isAlive), [true, true, true]);

    await box.stop();

    assert.deepEqual(pids.map(isAlive), [false, false, false]);
    assert.equal(journal.count('ignored SIGTERM'), 2);
    assert.deepEqual(
      box.host.statuses().map(({ state }) => state),
      ['stopped', 'stopped'],
    );
    journal.remove();
  });

  test('ends the calls that wait for a server', async () => {
    const box = await startMcpServers([stdioServer('one')]);
    await box.host.settled();
    const tool = box.tool('slow');
    const calls = [1, 2].map((ms) => box.callTool(tool, { ms: ms * 60_000 }, { timeoutMs: 60_000 }));

    await box.stop();

    assert.deepEqual(
      (await Promise.all(calls)).map(({ status }) => status),
      ['lost', 'lost'],
    );
    assert.equal((await box.call('slow', { ms: 1 })).status, 'not_sent');
  });
});
