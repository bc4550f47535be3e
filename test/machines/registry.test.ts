/** Checks the chart of the server's life: boot, serve, drain, close; and the crash budget of a conversation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulatedClock, createActor, fromCallback, fromPromise } from 'xstate';
import { mcpServerMachine } from '../../machines/mcp-server.ts';
import { coolingMs, registryMachine } from '../../machines/registry.ts';
import type { RegistryLimits } from '../../machines/registry.ts';
import { writerMachine } from '../../machines/writer.ts';

const limits: RegistryLimits = { crashes: 3, crashWindowMs: 60_000, drainTimeoutMs: 5_000 };
const serverLimits = {
  connectionTimeoutMs: 1_000,
  startTimeoutMs: 1_000,
  startTimeoutKey: 'the key',
  initialBackoffMs: 100,
  maxBackoffMs: 400,
  maxReconnectAttempts: 3,
  failedRetryMs: 60_000,
  authorizationTimeoutMs: 1000,
  healthIntervalMs: 60_000,
};
const never = () => Promise.withResolvers<void>().promise;

/** The chart with a store and MCP servers that do nothing, and steps that end when the test says so. */
function boot({ sweepFault, dismissalFault }: { sweepFault?: Error; dismissalFault?: Error } = {}) {
  const startup = Promise.withResolvers<void>();
  const recovery = Promise.withResolvers<void>();
  const drain = Promise.withResolvers<void>();
  const close = Promise.withResolvers<void>();
  let sweeping = false;
  let expiring = false;
  let dismissing = false;
  const machine = registryMachine.provide({
    actors: {
      writer: writerMachine.provide({
        actors: {
          queueListener: fromCallback(() => undefined),
          openDatabase: fromPromise(never),
          closeDatabase: fromPromise(never),
        },
      }),
      mcpServer: mcpServerMachine.provide({
        actors: { connection: fromCallback(() => undefined), closing: fromPromise(never) },
      }),
      startup: fromPromise(() => startup.promise),
      sweep: fromCallback(() => {
        if (sweepFault) throw sweepFault;
        sweeping = true;
        return () => (sweeping = false);
      }),
      expiry: fromCallback(() => {
        expiring = true;
        return () => (expiring = false);
      }),
      recovery: fromPromise(() => recovery.promise),
      drainConversations: fromPromise(() => drain.promise),
      dismissal: fromCallback(() => {
        if (dismissalFault) throw dismissalFault;
        dismissing = true;
        return () => (dismissing = false);
      }),
      closeAll: fromPromise(() => close.promise),
    },
  });
  const clock = new SimulatedClock();
  const servers = ['one', 'two'].map((name) => ({ name, limits: serverLimits }));
  const actor = createActor(machine, { clock, input: { servers, limits } }).start();
  const after = async (settle: () => void) => {
    settle();
    await new Promise((resolve) => setImmediate(resolve));
    return actor.getSnapshot().value;
  };
  return {
    actor,
    clock,
    state: () => actor.getSnapshot().value,
    context: () => actor.getSnapshot().context,
    isSweeping: () => sweeping && expiring,
    isDismissing: () => dismissing,
    shutdown: () => actor.send({ type: 'registry.shutdown' }),
    crash: (key: string, atMs: number) => actor.send({ type: 'conversation.crashed', key, atMs }),
    started: () => after(startup.resolve),
    refused: () => after(() => startup.reject(new Error('not a database'))),
    recovered: () => after(recovery.resolve),
    recoveryFailed: () => after(() => recovery.reject(new Error('one log is broken'))),
    drained: () => after(drain.resolve),
    drainFailed: () => after(() => drain.reject(new Error('a bug'))),
    closed: () => after(close.resolve),
    closeFailed: () => after(() => close.reject(new Error('the disk says no'))),
  };
}

type Server = ReturnType<typeof boot>;
const routes: Record<string, (server: Server) => Promise<unknown> | void> = {
  booting: () => undefined,
  serving: (server) => server.started(),
  draining: async (server) => {
    await server.started();
    server.shutdown();
  },
  closing: async (server) => {
    await server.started();
    server.shutdown();
    await server.drained();
  },
};

async function serverThatIs(state: string) {
  const server = boot();
  await routes[state]?.(server);
  assert.equal(server.state(), state);
  return server;
}

describe('the life of a server', () => {
  test('starts with its writer and one actor for each MCP server', () => {
    const server = boot();
    assert.deepEqual(Object.keys(server.actor.getSnapshot().children).toSorted(), [
      'mcp:one',
      'mcp:two',
      'startup',
      'writer',
    ]);
    assert.deepEqual(Object.keys(server.context().mcpServers), ['one', 'two']);
  });

  test('leads from booting through serving, draining and closing to stopped', async () => {
    const server = boot();
    assert.equal(await server.started(), 'serving');
    server.shutdown();
    assert.equal(server.state(), 'draining');
    assert.equal(await server.drained(), 'closing');
    assert.equal(await server.closed(), 'stopped');
    assert.equal(server.actor.getSnapshot().status, 'done');
  });

  test('ends before serving when the store does not open, and closes everything that was started', async () => {
    const server = boot();
    assert.equal(await server.refused(), 'closing');
    assert.equal(await server.closed(), 'stopped');
  });

  test('dismisses sockets only while draining', async () => {
    const server = boot();
    await server.started();
    assert.equal(server.isDismissing(), false);
    server.shutdown();
    assert.equal(server.isDismissing(), true);
    await server.drained();
    assert.equal(server.isDismissing(), false);
  });

  test('sweeps only while serving', async () => {
    const server = boot();
    assert.equal(server.isSweeping(), false);
    await server.started();
    assert.equal(server.isSweeping(), true);
    server.shutdown();
    assert.equal(server.isSweeping(), false);
  });
});

for (const [state, next] of Object.entries({
  booting: 'closing',
  serving: 'draining',
  draining: 'draining',
  closing: 'closing',
})) {
  test(`a shutdown while ${state} leads to ${next}, and a second one changes nothing`, async () => {
    const server = await serverThatIs(state);
    server.shutdown();
    assert.equal(server.state(), next);
    server.shutdown();
    assert.equal(server.state(), next === 'draining' || next === 'closing' ? next : 'closing');
  });
}

describe('a change of the MCP servers', () => {
  const changes = { add: [{ name: 'three', limits: serverLimits }], remove: ['one'], restart: ['two'] };
  const stateOf = (server: Server, name: string) => server.context().mcpServers[name]?.getSnapshot().value;

  test('adds, drains and restarts only the changed ones while serving', async () => {
    const server = await serverThatIs('serving');
    const { one } = server.context().mcpServers;
    server.actor.send({ type: 'registry.servers', ...changes });
    assert.deepEqual(Object.keys(server.context().mcpServers), ['two', 'three']);
    assert.deepEqual(
      [one?.getSnapshot().value, stateOf(server, 'two'), stateOf(server, 'three')],
      ['draining', 'restarting', { open: { connecting: 'starting' } }],
    );
  });

  test('keeps the unchanged ones running', async () => {
    const server = await serverThatIs('serving');
    const { two } = server.context().mcpServers;
    server.actor.send({ type: 'registry.servers', add: [], remove: ['one'], restart: [] });
    assert.equal(server.context().mcpServers['two'], two);
    assert.deepEqual(stateOf(server, 'two'), { open: { connecting: 'starting' } });
  });

  for (const state of ['booting', 'draining', 'closing']) {
    test(`has no effect while ${state}`, async () => {
      const server = await serverThatIs(state);
      const before = server.context().mcpServers;
      server.actor.send({ type: 'registry.servers', ...changes });
      assert.equal(server.context().mcpServers, before);
      assert.equal(server.state(), state);
    });
  }
});

describe("a step of the server's life", () => {
  test('leaves the server serving when the recovery of old turns fails or ends', async () => {
    const server = await serverThatIs('serving');
    assert.equal(await server.recoveryFailed(), 'serving');
    const other = await serverThatIs('serving');
    assert.equal(await other.recovered(), 'serving');
    assert.ok(server.isSweeping() && other.isSweeping());
  });

  test('leads to draining when a sweep fails, to closing when a drain fails, to stopped when closing fails', async () => {
    const swept = boot({ sweepFault: new Error('a bug') });
    assert.equal(await swept.started(), 'draining');
    const drained = await serverThatIs('draining');
    assert.equal(await drained.drainFailed(), 'closing');
    assert.equal(await drained.closeFailed(), 'stopped');
  });

  test('continues the drain when the dismissal of sockets fails', async () => {
    const server = boot({ dismissalFault: new Error('a bug') });
    await server.started();
    server.shutdown();
    assert.equal(server.state(), 'draining');
    assert.equal(await server.drained(), 'closing');
  });

  test('ends at its time limit when the drain takes too long', async () => {
    const server = await serverThatIs('draining');
    server.clock.increment(limits.drainTimeoutMs - 1);
    assert.equal(server.state(), 'draining');
    server.clock.increment(1);
    assert.equal(server.state(), 'closing');
  });
});

describe('the crash budget of a conversation', () => {
  const cooling = (server: Server, atMs: number, key = 'c1') => coolingMs(server.context(), key, atMs);

  test('blocks the conversation after too many crashes within the window, until the first of them has aged out', () => {
    const server = boot();
    for (const atMs of [1_000, 2_000]) server.crash('c1', atMs);
    assert.equal(cooling(server, 2_000), 0);
    server.crash('c1', 3_000);
    assert.equal(cooling(server, 3_000), 58_000);
    assert.equal(cooling(server, 60_999), 1);
    assert.equal(cooling(server, 61_000), 0);
  });

  test('is spent again by one crash while the others are still in the window', () => {
    const server = boot();
    for (const atMs of [1_000, 2_000, 3_000, 61_500]) server.crash('c1', atMs);
    assert.equal(cooling(server, 61_500), 500);
  });

  test('does not affect other conversations', () => {
    const server = boot();
    for (const atMs of [1, 2, 3]) server.crash('c1', atMs);
    assert.equal(cooling(server, 3, 'c2'), 0);
  });

  test('frees its memory once all crashes have aged out', () => {
    const server = boot();
    server.crash('c1', 0);
    server.crash('c2', 30_000);
    server.crash('c3', 60_000);
    assert.deepEqual(server.context().crashes, { c2: [30_000], c3: [60_000] });
  });

  test('is kept until the server closes', async () => {
    for (const [state, counted] of Object.entries({ booting: 1, serving: 1, draining: 1, closing: 0 })) {
      const server = await serverThatIs(state);
      server.crash('c1', 5);
      assert.equal(server.context().crashes['c1']?.length ?? 0, counted, state);
      assert.equal(server.state(), state);
    }
  });
});
