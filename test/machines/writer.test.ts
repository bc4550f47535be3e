/** The writer's chart by itself: every transition, with a world that the test answers for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulatedClock, createActor, fromCallback, fromPromise } from 'xstate';
import type { AnyStateNode } from 'xstate';
import { getStateNodes } from 'xstate/graph';
import { writerMachine } from '../../machines/writer.ts';
import type { SweepPaceMs } from '../../machines/writer-terms.ts';

type Step = 'openDatabase' | 'commitBatch' | 'sweepSlice' | 'reopenDatabase' | 'refuseWaiting' | 'closeDatabase';

/** A running chart whose actors end when the test says so. */
function writer(retryDelaysMs: readonly number[] = [10, 20], sweepPaceMs = { first: 1_000_000, pause: 0, rest: 0 }) {
  const asked: Step[] = [];
  let settle = Promise.withResolvers<{ more: boolean }>();
  const begin = (name: Step) => {
    asked.push(name);
    settle = Promise.withResolvers();
    return settle.promise;
  };
  const step = (name: Step) =>
    fromPromise(async (): Promise<void> => {
      await begin(name);
    });
  const clock = new SimulatedClock();
  const actor = createActor(
    writerMachine.provide({
      actors: {
        arrivals: fromCallback(() => {}),
        openDatabase: step('openDatabase'),
        commitBatch: fromPromise(() => begin('commitBatch')),
        sweepSlice: fromPromise(async () => (await begin('sweepSlice')).more),
        reopenDatabase: step('reopenDatabase'),
        refuseWaiting: step('refuseWaiting'),
        closeDatabase: step('closeDatabase'),
      },
    }),
    { clock, input: { retryDelaysMs, sweepPaceMs } },
  );
  actor.start();
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    asked,
    state: () => actor.getSnapshot().value,
    rows: () => actor.send({ type: 'rows.waiting' }),
    sweep: () => actor.send({ type: 'sweep.due' }),
    close: () => actor.send({ type: 'writer.close' }),
    pass: (ms: number) => clock.increment(ms),
    async done(output = { more: false }) {
      settle.resolve(output);
      await settled();
    },
    async fail() {
      settle.reject(new Error('the disk says no'));
      await settled();
    },
  };
}

async function readyWriter(retryDelaysMs?: readonly number[], sweepPaceMs?: SweepPaceMs) {
  const running = writer(retryDelaysMs, sweepPaceMs);
  await running.done();
  assert.equal(running.state(), 'ready');
  return running;
}

/** A chart with a spent budget. */
async function failedWriter() {
  const running = await readyWriter([]);
  running.rows();
  await running.fail();
  assert.equal(running.state(), 'failed');
  return running;
}

describe('opening', () => {
  test('a refused file is the end', async () => {
    const running = writer();
    await running.fail();
    assert.equal(running.state(), 'refused');
  });

  test('rows that came meanwhile are committed first', async () => {
    const running = writer();
    running.rows();
    await running.done();
    assert.equal(running.state(), 'committing');
  });

  test('a close that came meanwhile follows, after the rows', async () => {
    const running = writer();
    running.rows();
    running.close();
    await running.done();
    assert.equal(running.state(), 'committing');
    await running.done();
    assert.equal(running.state(), 'closing');
  });
});

describe('committing', () => {
  test('returns to ready when nothing waits any more', async () => {
    const running = await readyWriter();
    running.rows();
    assert.equal(running.state(), 'committing');
    await running.done();
    assert.equal(running.state(), 'ready');
    assert.deepEqual(running.asked, ['openDatabase', 'commitBatch']);
  });

  test('takes the next batch when the last was full, or when rows came after it was taken', async () => {
    const running = await readyWriter();
    running.rows();
    await running.done({ more: true });
    running.rows();
    await running.done();
    assert.equal(running.state(), 'committing');
    await running.done();
    assert.equal(running.state(), 'ready');
    assert.equal(running.asked.filter((name) => name === 'commitBatch').length, 3);
  });
});

describe('retrying', () => {
  test('waits, reconnects and commits again, with a fresh budget after success', async () => {
    const running = await readyWriter([10, 20]);
    for (let round = 0; round < 2; round += 1) {
      running.rows();
      await running.fail();
      assert.deepEqual(running.state(), { retrying: 'backingOff' });
      running.pass(9);
      assert.deepEqual(running.state(), { retrying: 'backingOff' });
      running.pass(1);
      assert.deepEqual(running.state(), { retrying: 'reconnecting' });
      await running.done();
      assert.equal(running.state(), 'committing');
      await running.done();
      assert.equal(running.state(), 'ready');
    }
  });

  test('spends its budget on failed reconnects and failed commits alike', async () => {
    const running = await readyWriter([10, 20]);
    running.rows();
    await running.fail();
    running.pass(10);
    await running.fail();
    assert.deepEqual(running.state(), { retrying: 'backingOff' });
    running.pass(20);
    await running.done();
    await running.fail();
    assert.equal(running.state(), 'failed');
    assert.equal(running.asked.at(-1), 'refuseWaiting');
  });
});

describe('sweeping', () => {
  const paceMs = { first: 100, pause: 10, rest: 1000 };

  test('goes slice by slice with pauses, and rests when the round is over', async () => {
    const running = await readyWriter([], paceMs);
    running.pass(99);
    assert.equal(running.state(), 'ready');
    running.pass(1);
    assert.equal(running.state(), 'sweeping');
    await running.done({ more: true });
    assert.equal(running.state(), 'ready');
    running.pass(10);
    assert.equal(running.state(), 'sweeping');
    await running.done({ more: false });
    running.pass(999);
    assert.equal(running.state(), 'ready');
    running.pass(1);
    assert.equal(running.state(), 'sweeping');
  });

  test('lets rows and a close that come meanwhile follow it, in that order', async () => {
    const running = await readyWriter([], paceMs);
    running.pass(100);
    running.rows();
    running.close();
    assert.equal(running.state(), 'sweeping');
    await running.done({ more: true });
    assert.equal(running.state(), 'committing');
    await running.done();
    assert.equal(running.state(), 'closing');
  });

  test('waits for a commit and for a retry, and is due afterwards', async () => {
    const running = await readyWriter([200], paceMs);
    running.rows();
    running.pass(100);
    assert.equal(running.state(), 'committing');
    await running.fail();
    running.pass(200);
    await running.done();
    assert.equal(running.state(), 'committing');
    await running.done({ more: true });
    assert.equal(running.state(), 'sweeping');
    // A busy writer sweeps too, and then goes on with its rows.
    await running.done({ more: true });
    assert.equal(running.state(), 'committing');
  });

  test('comes before its time when there is something to sweep, and keeps to one pace', async () => {
    const running = await readyWriter([], paceMs);
    running.sweep();
    running.sweep();
    assert.equal(running.state(), 'sweeping');
    // Whatever is left behind during a slice may have come too late for it.
    running.sweep();
    await running.done({ more: true });
    assert.equal(running.state(), 'sweeping');
    await running.done({ more: false });
    assert.equal(running.state(), 'ready');
    running.pass(999);
    assert.equal(running.state(), 'ready');
    running.pass(1);
    await running.done({ more: false });
    assert.equal(running.asked.filter((name) => name === 'sweepSlice').length, 3);
  });

  test('that fails is tried again after the rest', async () => {
    const running = await readyWriter([], paceMs);
    running.pass(100);
    await running.fail();
    assert.equal(running.state(), 'ready');
    running.pass(999);
    assert.equal(running.state(), 'ready');
    running.pass(1);
    assert.equal(running.state(), 'sweeping');
  });
});

describe('failed', () => {
  test('probes the disk with the next append, no faster than the last delay', async () => {
    const running = await readyWriter([10]);
    running.rows();
    await running.fail();
    running.pass(10);
    await running.fail();
    assert.equal(running.state(), 'failed');
    await running.done();
    assert.equal(running.state(), 'failed');

    running.rows();
    running.pass(9);
    assert.deepEqual(running.state(), { retrying: 'backingOff' });
    running.pass(1);
    await running.fail();
    assert.equal(running.state(), 'failed');

    running.rows();
    running.pass(10);
    await running.done();
    await running.done();
    assert.equal(running.state(), 'ready');
  });

  test('closes when asked to, before or after it failed', async () => {
    const after = await failedWriter();
    after.close();
    assert.equal(after.state(), 'closing');

    const before = await readyWriter([]);
    before.rows();
    before.close();
    await before.fail();
    await before.done();
    assert.equal(before.state(), 'closing');
  });
});

describe('closing', () => {
  test('ends in closed, also when the file could not be closed in order', async () => {
    const inOrder = await readyWriter();
    inOrder.close();
    await inOrder.done();
    assert.equal(inOrder.state(), 'closed');

    const broken = await readyWriter();
    broken.close();
    await broken.fail();
    assert.equal(broken.state(), 'closed');
  });

  test('waits for the retry that is under way', async () => {
    const running = await readyWriter([10]);
    running.rows();
    await running.fail();
    running.close();
    assert.deepEqual(running.state(), { retrying: 'backingOff' });
    running.pass(10);
    await running.done();
    await running.done();
    assert.equal(running.state(), 'closing');
  });
});

describe('the chart', () => {
  const states = getStateNodes(writerMachine.root);
  const answers = (node: AnyStateNode, event: string): boolean =>
    node.transitions.has(event) || (node.parent !== undefined && answers(node.parent, event));

  test('answers every event in every state that is not final', () => {
    const living = states.filter((node) => node.type === 'atomic');
    assert.deepEqual(
      living.map((node) => node.key),
      ['opening', 'ready', 'committing', 'sweeping', 'backingOff', 'reconnecting', 'failed', 'closing'],
    );
    for (const node of living) {
      for (const event of ['rows.waiting', 'sweep.due', 'writer.close']) {
        assert.ok(answers(node, event), `${node.key} does not answer ${event}`);
      }
    }
  });

  test('knows what follows when one of its actors ends or fails', () => {
    for (const node of [writerMachine.root, ...states]) {
      for (const { id } of node.invoke) {
        assert.ok(node.transitions.has(`xstate.done.actor.${id}`), `${node.key}: ${id} may end`);
        assert.ok(node.transitions.has(`xstate.error.actor.${id}`), `${node.key}: ${id} may fail`);
      }
    }
  });

  test('closes when nothing can be heard of the queue any more', () => {
    const running = createActor(
      writerMachine.provide({
        actors: {
          arrivals: fromCallback(() => {
            throw new Error('no bell');
          }),
          openDatabase: fromPromise(() => Promise.withResolvers<void>().promise),
          closeDatabase: fromPromise(() => Promise.withResolvers<void>().promise),
        },
      }),
    );
    running.start();
    assert.equal(running.getSnapshot().value, 'closing');
    running.stop();
  });
});
