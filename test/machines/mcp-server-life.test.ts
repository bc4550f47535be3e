/** The MCP server chart over time: it comes back, is asked whether it lives, is given up, and ends. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createActor, fromCallback } from 'xstate';
import { reconnectDelayMs } from '../../machines/mcp-server-setup.ts';
import { mcpServerMachine, serverState } from '../../machines/mcp-server.ts';
import { catalogue, limits, start, routes } from '../support/machines/mcp-server.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a server that comes back', () => {
  test('waits twice as long each time, up to the cap, and halves it at most by jitter', () => {
    const waits = [1, 2, 3, 4].map((attempts) => reconnectDelayMs({ limits, attempts, jitter: 1 }));
    assert.deepEqual(waits, [100, 200, 400, 400]);
    assert.equal(reconnectDelayMs({ limits, attempts: 1, jitter: 0 }), 50);
  });

  test('connects after its wait and not before', () => {
    const box = start();
    box.lose();
    box.clock.increment(99);
    assert.equal(box.state, 'backingOff');
    box.clock.increment(1);
    assert.deepEqual([box.state, box.connections.opened], ['connecting', 2]);
  });

  test('has all its attempts again once it was ready', () => {
    const box = start();
    box.lose();
    box.clock.increment(100);
    assert.deepEqual([box.context.attempts, box.context.lastError], [1, 'gone']);

    box.actor.send({ type: 'server.ready', catalogue });

    assert.deepEqual([box.context.attempts, box.context.lastError], [0, null]);
  });

  test('keeps its catalogue meanwhile, until a new one replaces it whole', () => {
    const box = start();
    box.actor.send({ type: 'server.ready', catalogue });
    box.lose();
    assert.equal(box.context.catalogue, catalogue);
    box.actor.send({ type: 'server.wake' });
    box.actor.send({ type: 'server.ready', catalogue: [] });
    assert.deepEqual(box.context.catalogue, []);
  });

  test('opens one connection however many calls wake it', () => {
    const box = start();
    box.lose();
    for (let calls = 0; calls < 5; calls += 1) box.actor.send({ type: 'server.wake' });
    assert.deepEqual(box.connections, { opened: 2, open: 1 });
  });

  test('gets one attempt for each wake once it has failed', () => {
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
  test('is checked at each interval, and rests again when it answers', async () => {
    const box = start();
    box.becomeReady();
    for (const round of [1, 2]) {
      box.clock.increment(4_999);
      assert.equal(box.checks.length, round - 1);
      box.clock.increment(1);
      assert.deepEqual([box.state, box.checks.length, box.checks.at(-1)?.suspected], ['checking', round, false]);
      box.checks.at(-1)?.answer.resolve();
      await settled();
      assert.equal(box.state, 'resting');
    }
  });

  test('is lost when it does not answer, and told so', async () => {
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

  test('is checked at once, and once, when calls were given up', async () => {
    const box = start();
    box.becomeReady();
    for (let calls = 0; calls < 3; calls += 1) box.actor.send({ type: 'server.suspect' });
    assert.deepEqual(
      box.checks.map(({ suspected }) => suspected),
      [true],
    );
    box.checks[0]?.answer.resolve();
    await settled();
    assert.equal(box.state, 'resting');
  });

  test('is told as ready, whatever check is under way', () => {
    for (const from of ['resting', 'checking', 'doubted']) {
      const box = start();
      routes[from]?.(box);
      assert.equal(serverState(box.actor.getSnapshot().value), 'ready');
    }
  });
});

test('a server that has failed is tried again now and then, once each time', () => {
  const box = start({ maxReconnectAttempts: 0 });
  box.lose();
  box.clock.increment(8_999);
  assert.equal(box.state, 'failed');
  box.clock.increment(1);
  assert.equal(box.state, 'connecting');
  box.lose();
  assert.equal(box.state, 'failed');
});

test('a connection that tells nothing in time is closed and counts as lost', () => {
  const box = start();
  box.clock.increment(1_000);
  assert.deepEqual([box.state, box.context.lastError, box.connections.open], ['backingOff', 'no answer within 1 s', 0]);
});

test('a connection actor that throws is a loss like another', () => {
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
  test('is connected to anew once its old connection is closed, with its tools offered meanwhile and its past forgotten', async () => {
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

  test('is connected to anew although its old connection does not close', () => {
    const box = start();
    box.becomeReady();
    box.actor.send({ type: 'server.reconfigured' });
    box.clock.increment(999);
    assert.equal(box.state, 'restarting');
    box.clock.increment(1);
    assert.deepEqual([box.state, box.connections.open], ['connecting', 1]);
  });

  test('is tried at once although it counted as failed', async () => {
    const box = start({ maxReconnectAttempts: 0 });
    box.lose();
    box.actor.send({ type: 'server.reconfigured' });
    assert.equal(box.context.lastError, null);
    box.closed.resolve();
    await settled();
    assert.equal(box.state, 'connecting');
  });
});

test('limits that change are followed by a server that runs', () => {
  const changing = { ...limits };
  const box = start({}, changing);
  changing.healthIntervalMs = 50;
  box.becomeReady();
  box.clock.increment(50);
  assert.equal(box.state, 'checking');
});
