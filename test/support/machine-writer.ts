/** Runs the writer's chart without a disk: the test ends its actors and moves its clock. */
import assert from 'node:assert/strict';
import { SimulatedClock, createActor, fromCallback, fromPromise } from 'xstate';
import { writerMachine } from '../../machines/writer.ts';
import type { SweepDelaysMs } from '../../machines/writer.ts';

type Step = 'openDatabase' | 'commitBatch' | 'sweepSlice' | 'reopenDatabase' | 'rejectQueued' | 'closeDatabase';

/** A running chart whose actors end when the test says so. */
export function writer(
  retryDelaysMs: readonly number[] = [10, 20],
  sweepDelaysMs = { first: 1_000_000, betweenSlices: 0, betweenRounds: 0 },
) {
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
        queueListener: fromCallback(() => {}),
        openDatabase: step('openDatabase'),
        commitBatch: fromPromise(() => begin('commitBatch')),
        sweepSlice: fromPromise(async () => (await begin('sweepSlice')).more),
        reopenDatabase: step('reopenDatabase'),
        rejectQueued: step('rejectQueued'),
        closeDatabase: step('closeDatabase'),
      },
    }),
    { clock, input: { retryDelaysMs, sweepDelaysMs: sweepDelaysMs } },
  );
  actor.start();
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    asked,
    state: () => actor.getSnapshot().value,
    rows: () => actor.send({ type: 'rows.queued' }),
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

/** One that has opened its file. */
export async function readyWriter(retryDelaysMs?: readonly number[], sweepDelaysMs?: SweepDelaysMs) {
  const running = writer(retryDelaysMs, sweepDelaysMs);
  await running.done();
  assert.equal(running.state(), 'ready');
  return running;
}

/** A chart with a spent budget. */
export async function failedWriter() {
  const running = await readyWriter([]);
  running.rows();
  await running.fail();
  assert.equal(running.state(), 'failed');
  return running;
}
