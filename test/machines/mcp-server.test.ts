/** The MCP server chart as a table: every state, every event. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulatedClock, createActor, fromCallback, fromPromise } from 'xstate';
import { mcpServerMachine, reconnectDelayMs } from '../../machines/mcp-server.ts';
import type { McpServerEvent, McpServerLimits } from '../../machines/mcp-server.ts';

const limits: McpServerLimits = { connectionTimeoutMs: 1_000, initialBackoffMs: 100, maxBackoffMs: 400, maxReconnectAttempts: 3 };
const catalogue = [{ name: 'add', description: '', inputSchema: {}, harmless: true, effect: 'read_only' as const }];

const events: McpServerEvent[] = [
  { type: 'server.ready', catalogue },
  { type: 'server.changed', catalogue: [] },
  { type: 'server.lost', reason: 'gone', jitter: 1 },
  { type: 'server.wake' },
  { type: 'server.drain' },
];

/** The real chart over a connection that says what the test sends, and a clock that the test moves. */
function start(changes: Partial<McpServerLimits> = {}) {
  const clock = new SimulatedClock();
  const closed = Promise.withResolvers<void>();
  const connections = { opened: 0, open: 0 };
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
    },
  });
  const actor = createActor(logic, { clock, input: { name: 'one', limits: { ...limits, ...changes } } });
  actor.start();
  return {
    actor,
    clock,
    connections,
    closed,
    lose: () => actor.send({ type: 'server.lost', reason: 'gone', jitter: 1 }),
    get state() {
      const { value } = actor.getSnapshot();
      return typeof value === 'string' ? value : value.open;
    },
    get context() {
      return actor.getSnapshot().context;
    },
  };
}

const ways: Record<string, (box: ReturnType<typeof start>) => void> = {
  connecting: () => undefined,
  ready: ({ actor }) => actor.send({ type: 'server.ready', catalogue }),
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
  connecting: { 'server.ready': 'ready', 'server.changed': 'connecting', 'server.lost': 'backingOff', 'server.wake': 'connecting', 'server.drain': 'draining' },
  ready: { 'server.ready': 'ready', 'server.changed': 'ready', 'server.lost': 'backingOff', 'server.wake': 'ready', 'server.drain': 'draining' },
  backingOff: { 'server.ready': 'backingOff', 'server.changed': 'backingOff', 'server.lost': 'backingOff', 'server.wake': 'connecting', 'server.drain': 'draining' },
  failed: { 'server.ready': 'failed', 'server.changed': 'failed', 'server.lost': 'failed', 'server.wake': 'connecting', 'server.drain': 'draining' },
  draining: { 'server.ready': 'draining', 'server.changed': 'draining', 'server.lost': 'draining', 'server.wake': 'draining', 'server.drain': 'draining' },
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
        assert.equal(box.connections.open, ['connecting', 'ready'].includes(box.state) ? 1 : 0);
      });
    }
  });
}

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
