/** The writer's chart without a disk: its actors end when the test says so, and its clock is moved by hand. */
import assert from 'node:assert/strict';
import { SimulatedClock, createActor, fromCallback, fromPromise } from 'xstate';
import { writerMachine, type StorageProblem } from '../../machines/writer.ts';
import type { SweepPaceMs } from '../../machines/writer.ts';

type Step = 'openDatabase' | 'commitBatch' | 'sweepSlice' | 'reopenDatabase' | 'refuseWaiting' | 'closeDatabase';

/** A running chart whose actors end when the test says so. */
export function writer(
  retryDelaysMs: readonly number[] = [10, 20],
  sweepPaceMs = { first: 1_000_000, pause: 0, rest: 0 },
) {
  const asked: Step[] = [];
  let settle = Promise.withResolvers<{ more: boolean }>();
  const begin = (name: Step) => {
    asked.push(name);
    settle = Promise.withResolvers();
    return settle.promise;
  };
  const problems: StorageProblem[] = [];
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
        refuseWaiting: fromPromise<void, { problem: StorageProblem }>(async ({ input: { problem } }) => {
          problems.push(problem);
          await begin('refuseWaiting');
        }),
        closeDatabase: step('closeDatabase'),
      },
    }),
    { clock, input: { retryDelaysMs, sweepPaceMs } },
  );
  actor.start();
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    asked,
    /** Why waiting appends were rejected, one for each time. */
    problems,
    state: () => actor.getSnapshot().value,
    rows: () => actor.send({ type: 'rows.waiting' }),
    sweep: () => actor.send({ type: 'sweep.due' }),
    close: () => actor.send({ type: 'writer.close' }),
    pass: (ms: number) => clock.increment(ms),
    async done(output = { more: false }) {
      settle.resolve(output);
      await settled();
    },
    async fail(problem?: StorageProblem) {
      settle.reject(Object.assign(new Error('the disk says no'), { data: { problem } }));
      await settled();
    },
  };
}

/** One that has opened its file. */
export async function readyWriter(retryDelaysMs?: readonly number[], sweepPaceMs?: SweepPaceMs) {
  const running = writer(retryDelaysMs, sweepPaceMs);
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
