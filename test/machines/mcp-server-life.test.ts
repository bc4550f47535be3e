/** Tests the MCP server chart over time: reconnects, health checks, failure, restart and drain. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createActor, fromCallback } from 'xstate';
import { reconnectDelayMs, mcpServerMachine, serverState } from '../../machines/mcp-server.ts';
import { catalogue, limits, start, routes } from '../support/machines/mcp-server.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a server that reconnects', () => {
  test('doubles its wait up to the cap; jitter takes off up to half', () => {
    const waits = [1, 2, 3, 4].map((attempts) => reconnectDelayMs({ limits, attempts, jitter: 1 }));
    assert.deepEqual(waits, [100, 200, 400, 400]);
    assert.equal(reconnectDelayMs({ limits, attempts: 1, jitter: 0 }), 50);
  });

  test('connects after its wait, not before', () => {
    const box = start();
    box.lose();
    box.clock.increment(99);
    assert.equal(box.state, 'backingOff');
    box.clock.increment(1);
    assert.deepEqual([box.state, box.connections.opened], ['connecting', 2]);
  });

  test('gets all its attempts again after it was ready', () => {
    const box = start();
    box.lose();
    box.clock.increment(100);
    assert.deepEqual([box.context.attempts, box.context.lastError], [1, 'gone']);

    box.actor.send({ type: 'server.ready', catalogue });

    assert.deepEqual([box.context.attempts, box.context.lastError], [0, null]);
  });

  test('keeps its catalogue until a new one replaces it', () => {
    const box = start();
    box.actor.send({ type: 'server.ready', catalogue });
    box.lose();
    assert.equal(box.context.catalogue, catalogue);
    box.actor.send({ type: 'server.wake' });
    box.actor.send({ type: 'server.ready', catalogue: [] });
    assert.deepEqual(box.context.catalogue, []);
  });

  test('opens one connection for many waiting calls', () => {
    const box = start();
    box.lose();
    for (let calls = 0; calls < 5; calls += 1) box.actor.send({ type: 'server.wake' });
    assert.deepEqual(box.connections, { opened: 2, open: 1 });
  });

  test('tries once for each waiting call after it has failed', () => {
    const box = start({ maxReconnectAttempts: 0 });
    box.lose();
    assert.equal(box.state, 'failed');
    box.actor.send({ type: 'server.wake' });
    assert.equal(box.state, 'connecting');
    box.lose();
    assert.equal(box.state, 'failed');
  });
});

describe('a server that is ready', () => {
  test('is checked at each interval, and is healthy when it answers', async () => {
    const box = start();
    box.becomeReady();
    for (const round of [1, 2]) {
      box.clock.increment(4_999);
      assert.equal(box.checks.length, round - 1);
      box.clock.increment(1);
      assert.deepEqual([box.state, box.checks.length, box.checks.at(-1)?.suspected], ['checking', round, false]);
      box.checks.at(-1)?.answer.resolve();
      await settled();
      assert.equal(box.state, 'healthy');
    }
  });

  test('is lost, with the reason, when it does not answer', async () => {
    const box = start();
    box.becomeReady();
    box.clock.increment(5_000);
    box.checks[0]?.answer.reject(new Error('timed out'));
    await settled();
    assert.deepEqual(
      [box.state, box.context.lastError, box.connections.open],
      ['backingOff', 'did not answer a health check', 0],
    );
  });

  test('is checked once, immediately, when calls were aborted', async () => {
    const box = start();
    box.becomeReady();
    for (let calls = 0; calls < 3; calls += 1) box.actor.send({ type: 'server.suspect' });
    assert.deepEqual(
      box.checks.map(({ suspected }) => suspected),
      [true],
    );
    box.checks[0]?.answer.resolve();
    await settled();
    assert.equal(box.state, 'healthy');
  });

  test('shows as ready during every check', () => {
    for (const from of ['healthy', 'checking', 'verifying']) {
      const box = start();
      routes[from]?.(box);
      assert.equal(serverState(box.actor.getSnapshot().value), 'ready');
    }
  });
});

test('a failed server is tried again at intervals, once each time', () => {
  const box = start({ maxReconnectAttempts: 0 });
  box.lose();
  box.clock.increment(8_999);
  assert.equal(box.state, 'failed');
  box.clock.increment(1);
  assert.equal(box.state, 'connecting');
  box.lose();
  assert.equal(box.state, 'failed');
});

test('a connection without an event in time is closed and counts as lost', () => {
  const box = start();
  box.clock.increment(3_000);
  assert.deepEqual(
    [box.state, box.context.lastError, box.connections.open],
    ['backingOff', 'no answer within 3 s (the key)', 0],
  );
});

describe('a server that is slow to start', () => {
  test('keeps its connection, shows as connecting, and says how long Parley waits and which key sets that', () => {
    const box = start();
    box.clock.increment(1_000);
    assert.deepEqual([box.state, box.connections], ['slow', { opened: 1, open: 1 }]);
    assert.equal(serverState(box.actor.getSnapshot().value), 'connecting');
    assert.equal(
      box.context.lastError,
      'is still starting: no answer within 1 s (mcp.connection.connection_timeout), Parley waits up to 3 s (the key)',
    );

    box.becomeReady();

    assert.deepEqual([box.state, box.context.lastError], ['healthy', null]);
  });

  test('is not reported as slow if it may take no longer', () => {
    const box = start({ startTimeoutMs: 1_000 });
    box.clock.increment(999);
    assert.deepEqual([box.state, box.context.lastError], ['connecting', null]);
    box.clock.increment(1);
    assert.equal(box.state, 'backingOff');
  });
});

test('a connection actor that throws counts as lost', () => {
  const logic = mcpServerMachine.provide({
    actors: {
      connection: fromCallback(() => {
        throw new Error('a bug');
      }),
    },
  });
  const actor = createActor(logic, { input: { name: 'one', limits } });
  actor.start();
  assert.equal(actor.getSnapshot().value, 'backingOff');
  actor.stop();
});

test('draining ends when the last connection is closed', async () => {
  const box = start();
  const done = new Promise<void>((resolve) => box.actor.subscribe({ complete: resolve }));
  box.actor.send({ type: 'server.drain' });
  assert.equal(box.state, 'draining');

  box.closed.resolve();
  await done;

  assert.equal(box.state, 'stopped');
});

describe('a server whose configuration has changed', () => {
  test('is reconnected after its old connection is closed, keeps its tools, and resets its counters', async () => {
    const box = start();
    box.lose();
    box.clock.increment(100);
    box.becomeReady();
    box.actor.send({ type: 'server.reconfigured' });
    assert.deepEqual(
      [box.state, box.connections.open, box.context.catalogue, box.context.attempts],
      ['restarting', 0, catalogue, 0],
    );
    box.closed.resolve();
    await settled();
    assert.deepEqual([box.state, box.connections.open], ['connecting', 1]);
  });

  test('is reconnected although its old connection does not close', () => {
    const box = start();
    box.becomeReady();
    box.actor.send({ type: 'server.reconfigured' });
    box.clock.increment(999);
    assert.equal(box.state, 'restarting');
    box.clock.increment(1);
    assert.deepEqual([box.state, box.connections.open], ['connecting', 1]);
  });

  test('is tried at once although it had failed', async () => {
    const box = start({ maxReconnectAttempts: 0 });
    box.lose();
    box.actor.send({ type: 'server.reconfigured' });
    assert.equal(box.context.lastError, null);
    box.closed.resolve();
    await settled();
    assert.equal(box.state, 'connecting');
  });
});

test('a running server uses changed limits', () => {
  const changing = { ...limits };
  const box = start({}, changing);
  changing.healthIntervalMs = 50;
  box.becomeReady();
  box.clock.increment(50);
  assert.equal(box.state, 'checking');
});
