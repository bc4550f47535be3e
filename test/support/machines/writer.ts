/** Runs the writer's chart without a disk: the test ends its actors and advances its clock. */
import assert from 'node:assert/strict';
import { SimulatedClock, createActor, fromCallback, fromPromise } from 'xstate';
import type { KnownProblem, StorageProblem } from '../../../machines/writer-types.ts';
import { writerMachine } from '../../../machines/writer.ts';
import type { SweepDelaysMs } from '../../../machines/writer-types.ts';

type Step =
  | 'openDatabase'
  | 'commitBatch'
  | 'sweepSlice'
  | 'reopenDatabase'
  | 'checkFile'
  | 'rejectQueued'
  | 'closeDatabase';

/** Starts the chart; the test ends its actors. */
export function startWriter(
  retryDelaysMs: readonly number[] = [10, 20],
  sweepDelaysMs = { first: 1_000_000, betweenSlices: 0, betweenRounds: 0 },
  checkDelayMs = 10_000_000,
) {
  const started: Step[] = [];
  let settle = Promise.withResolvers<{ more: boolean }>();
  const begin = (name: Step) => {
    started.push(name);
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
        queueListener: fromCallback(() => {}),
        openDatabase: step('openDatabase'),
        commitBatch: fromPromise(() => begin('commitBatch')),
        sweepSlice: fromPromise(async () => (await begin('sweepSlice')).more),
        reopenDatabase: fromPromise<void, KnownProblem>(async () => {
          await begin('reopenDatabase');
        }),
        checkFile: step('checkFile'),
        rejectQueued: fromPromise<void, { problem: StorageProblem }>(async ({ input: { problem } }) => {
          problems.push(problem);
          await begin('rejectQueued');
        }),
        closeDatabase: step('closeDatabase'),
      },
    }),
    { clock, input: { retryDelaysMs, sweepDelaysMs, checkDelayMs } },
  );
  actor.start();
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    asked: started,
    /** Why waiting appends were rejected, one for each time. */
    problems,
    state: () => actor.getSnapshot().value,
    problem: () => actor.getSnapshot().context.problem,
    rows: () => actor.send({ type: 'rows.queued' }),
    sweep: () => actor.send({ type: 'sweep.due' }),
    close: () => actor.send({ type: 'writer.close' }),
    advance: (ms: number) => clock.increment(ms),
    async finish(output = { more: false }) {
      settle.resolve(output);
      await settled();
    },
    async fail(problem?: StorageProblem) {
      settle.reject(Object.assign(new Error('the disk says no'), { data: { problem } }));
      await settled();
    },
  };
}

/** Starts a writer that has opened its file. */
export async function readyWriter(
  retryDelaysMs?: readonly number[],
  sweepDelaysMs?: SweepDelaysMs,
  checkDelayMs?: number,
) {
  const running = startWriter(retryDelaysMs, sweepDelaysMs, checkDelayMs);
  await running.finish();
  assert.equal(running.state(), 'ready');
  return running;
}

/** Starts a writer whose retry budget is spent. */
export async function failedWriter() {
  const running = await readyWriter([]);
  running.rows();
  await running.fail();
  assert.equal(running.state(), 'failed');
  return running;
}
