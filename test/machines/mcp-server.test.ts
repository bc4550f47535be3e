/** The MCP server chart as a table: every state, every event. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulatedClock, createActor, fromCallback, fromPromise } from 'xstate';
import { reconnectDelayMs } from '../../machines/mcp-server-setup.ts';
import type { CheckInput, McpServerEvent, McpServerLimits } from '../../machines/mcp-server-terms.ts';
import { mcpServerMachine, serverState } from '../../machines/mcp-server.ts';

const limits: McpServerLimits = { connectionTimeoutMs: 1_000, initialBackoffMs: 100, maxBackoffMs: 400, maxReconnectAttempts: 3, failedRetryMs: 9_000, healthIntervalMs: 5_000, authorizationTimeoutMs: 60_000 };
const catalogue = [{ name: 'add', title: null, description: '', inputSchema: {}, annotations: {}, harmless: true, effect: 'read_only' as const, definition: '' }];

const events: McpServerEvent[] = [
  { type: 'server.ready', catalogue },
  { type: 'server.changed', catalogue: [] },
  { type: 'server.lost', reason: 'gone', jitter: 1 },
  { type: 'server.suspect' },
  { type: 'server.unauthorized' },
  { type: 'server.asks', url: 'https://login.example/' },
  { type: 'server.wake' },
  { type: 'server.drain' },
];

/** The real chart over a connection that says what the test sends, and a clock that the test moves. */
function start(changes: Partial<McpServerLimits> = {}) {
  const clock = new SimulatedClock();
  const closed = Promise.withResolvers<void>();
  const checks: { suspected: boolean; answer: PromiseWithResolvers<void> }[] = [];
  const connections = { opened: 0, open: 0 };
  const authorizations: PromiseWithResolvers<void>[] = [];
  const logic = mcpServerMachine.provide({
    actors: {
      connection: fromCallback(() => {
        connections.opened += 1;
        connections.open += 1;
        return () => {
          connections.open -= 1;
        };
      }),
      closing: fromPromise(() => closed.promise),
      check: fromPromise<void, CheckInput>(({ input: { suspected } }) => {
        const answer = Promise.withResolvers<void>();
        checks.push({ suspected, answer });
        return answer.promise;
      }),
      authorization: fromPromise(() => {
        const authorization = Promise.withResolvers<void>();
        authorizations.push(authorization);
        return authorization.promise;
      }),
    },
  });
  const actor = createActor(logic, { clock, input: { name: 'one', limits: { ...limits, ...changes } } });
  actor.start();
  return {
    actor,
    clock,
    connections,
    closed,
    checks,
    authorizations,
    becomeReady: () => actor.send({ type: 'server.ready', catalogue }),
    lose: () => actor.send({ type: 'server.lost', reason: 'gone', jitter: 1 }),
    /** The innermost. */
    get state() {
      const { value } = actor.getSnapshot();
      if (typeof value === 'string') return value;
      return typeof value.open === 'string' ? value.open : value.open.ready;
    },
    get context() {
      return actor.getSnapshot().context;
    },
  };
}

const ways: Record<string, (box: ReturnType<typeof start>) => void> = {
  connecting: () => undefined,
  resting: ({ becomeReady }) => becomeReady(),
  checking: ({ becomeReady, clock }) => {
    becomeReady();
    clock.increment(5_000);
  },
  doubted: ({ becomeReady, actor }) => {
    becomeReady();
    actor.send({ type: 'server.suspect' });
  },
  authorizing: ({ actor }) => actor.send({ type: 'server.unauthorized' }),
  backingOff: ({ lose }) => lose(),
  failed: ({ lose, clock }) => {
    for (let loss = 0; loss < 4; loss += 1) {
      lose();
      clock.increment(1_000 * Number(loss < 3));
    }
  },
  draining: ({ actor }) => actor.send({ type: 'server.drain' }),
};

/** Where each event leads from each state; the same state where it is to change nothing. */
const table: Record<string, Record<McpServerEvent['type'], string>> = {
  connecting: { 'server.ready': 'resting', 'server.changed': 'connecting', 'server.lost': 'backingOff', 'server.suspect': 'connecting', 'server.unauthorized': 'authorizing', 'server.asks': 'connecting', 'server.wake': 'connecting', 'server.drain': 'draining' },
  resting: { 'server.ready': 'resting', 'server.changed': 'resting', 'server.lost': 'backingOff', 'server.suspect': 'doubted', 'server.unauthorized': 'authorizing', 'server.asks': 'resting', 'server.wake': 'resting', 'server.drain': 'draining' },
  checking: { 'server.ready': 'checking', 'server.changed': 'checking', 'server.lost': 'backingOff', 'server.suspect': 'doubted', 'server.unauthorized': 'authorizing', 'server.asks': 'checking', 'server.wake': 'checking', 'server.drain': 'draining' },
  doubted: { 'server.ready': 'doubted', 'server.changed': 'doubted', 'server.lost': 'backingOff', 'server.suspect': 'doubted', 'server.unauthorized': 'authorizing', 'server.asks': 'doubted', 'server.wake': 'doubted', 'server.drain': 'draining' },
  authorizing: { 'server.ready': 'authorizing', 'server.changed': 'authorizing', 'server.lost': 'authorizing', 'server.suspect': 'authorizing', 'server.unauthorized': 'authorizing', 'server.asks': 'authorizing', 'server.wake': 'authorizing', 'server.drain': 'draining' },
  backingOff: { 'server.ready': 'backingOff', 'server.changed': 'backingOff', 'server.lost': 'backingOff', 'server.suspect': 'backingOff', 'server.unauthorized': 'backingOff', 'server.asks': 'backingOff', 'server.wake': 'connecting', 'server.drain': 'draining' },
  failed: { 'server.ready': 'failed', 'server.changed': 'failed', 'server.lost': 'failed', 'server.suspect': 'failed', 'server.unauthorized': 'failed', 'server.asks': 'failed', 'server.wake': 'connecting', 'server.drain': 'draining' },
  draining: { 'server.ready': 'draining', 'server.changed': 'draining', 'server.lost': 'draining', 'server.suspect': 'draining', 'server.unauthorized': 'draining', 'server.asks': 'draining', 'server.wake': 'draining', 'server.drain': 'draining' },
};

for (const [state, answers] of Object.entries(table)) {
  describe(`a server that is ${state}`, () => {
    for (const event of events) {
      test(`is ${answers[event.type]} after ${event.type}, which its chart names`, () => {
        const box = start();
        ways[state]?.(box);
        assert.equal(box.state, state);
        assert.ok(box.actor.getSnapshot()._nodes.some(({ transitions }) => transitions.has(event.type)));

        box.actor.send(event);

        assert.equal(box.state, answers[event.type]);
        assert.equal(box.connections.open, ['connecting', 'resting', 'checking', 'doubted'].includes(box.state) ? 1 : 0);
      });
    }
  });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a server that has to be authorized', () => {
  test('tells the address while it waits for a person, and connects when somebody came', async () => {
    const box = start();
    box.actor.send({ type: 'server.unauthorized' });
    box.actor.send({ type: 'server.asks', url: 'https://login.example/' });
    assert.deepEqual([box.context.authorizeUrl, box.context.lastError], ['https://login.example/', 'waits for somebody to authorize it in a browser']);

    box.authorizations[0]?.resolve();
    await turn();

    assert.deepEqual([box.state, box.context.authorizeUrl, box.connections.opened], ['connecting', null, 2]);
  });

  test('connects anew, for a new address, when nobody came in time', () => {
    const box = start();
    box.actor.send({ type: 'server.unauthorized' });
    box.clock.increment(60_000);
    assert.equal(box.state, 'connecting');
    box.actor.send({ type: 'server.unauthorized' });
    assert.deepEqual([box.state, box.authorizations.length], ['authorizing', 2]);
  });

  test('has failed when the person refused, with the reason', async () => {
    const box = start();
    box.actor.send({ type: 'server.unauthorized' });
    box.authorizations[0]?.reject(new Error('was not authorized'));
    await turn();
    assert.deepEqual([box.state, box.context.lastError], ['failed', 'was not authorized']);
  });

  test('has failed when it refuses what it was given twice, and is asked again later', async () => {
    const box = start();
    for (const round of [0, 1]) {
      box.actor.send({ type: 'server.unauthorized' });
      box.authorizations[round]?.resolve();
      await turn();
    }
    box.actor.send({ type: 'server.unauthorized' });
    assert.deepEqual([box.state, box.context.lastError], ['failed', 'refuses the authorization that it was just given']);

    box.clock.increment(9_000);
    box.actor.send({ type: 'server.unauthorized' });
    assert.equal(box.state, 'authorizing');
  });

  test('may be asked for more rights as often as it was ready in between', async () => {
    const box = start();
    for (const round of [0, 1, 2]) {
      box.actor.send({ type: 'server.unauthorized' });
      box.authorizations[round]?.resolve();
      await turn();
      box.becomeReady();
    }
    assert.equal(box.state, 'resting');
  });
});

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
  const settled = () => new Promise((resolve) => setImmediate(resolve));

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
    assert.deepEqual([box.state, box.context.lastError, box.connections.open], ['backingOff', 'did not answer a health check', 0]);
  });

  test('is checked at once, and once, when calls were given up', async () => {
    const box = start();
    box.becomeReady();
    for (let calls = 0; calls < 3; calls += 1) box.actor.send({ type: 'server.suspect' });
    assert.deepEqual(box.checks.map(({ suspected }) => suspected), [true]);
    box.checks[0]?.answer.resolve();
    await settled();
    assert.equal(box.state, 'resting');
  });

  test('is told as ready, whatever check is under way', () => {
    for (const way of ['resting', 'checking', 'doubted']) {
      const box = start();
      ways[way]?.(box);
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
