/**
 * Runs the part of the model tests that belongs to every test run. It checks the coverage of the charts under the limit of
 * tool hops of the day, and plays a few flows that change with the date. `npm run model` plays all flows under all limits.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { proveAll, sample } from '../proof/prove.ts';
import { playsAll, sharedOut } from '../support/daily-sample.ts';
import { explainFailures } from './failures.ts';
import { plan } from './flows.ts';
import { goalsWith, HOP_LIMITS, needsHops, neverRefused, reasonWhyNot } from './goals.ts';
import { coverageTable, uncovered } from './report.ts';

/** About five seconds on two quiet cores. */
const FLOWS = 4;
/** Long enough for a busy machine. */
const TIMEOUT_MS = 300_000;

/** Flows are searched again for each limit, in seconds: a usual run takes one limit. */
const notToday = sharedOut(HOP_LIMITS.length);
const plans = plan(HOP_LIMITS.filter((_, at) => notToday(at) === false));

test('a run with --all finds the flows of every limit', { skip: !playsAll && 'this run takes one limit' }, () => {
  assert.deepEqual(
    plans.map(({ maxToolHops }) => maxToolHops),
    [...HOP_LIMITS],
  );
});

for (const { maxToolHops, reachable, flows } of plans) {
  describe(`with max_tool_hops ${maxToolHops}`, () => {
    test('every transition, and every guard with both results, is in a flow or has a reason why none leads to it', () => {
      const reached = new Set(flows.flatMap((flow) => [...flow.reached]));
      assert.deepEqual(uncovered(reached, maxToolHops), [], 'extend the flows as test/model/README.md says');
      assert.deepEqual(
        [...reachable].filter((goal) => !goalsWith(maxToolHops).some(({ id }) => id === goal)),
        [],
        'reached, but not in the charts',
      );
    });

    test('every flow has its own id and a name', () => {
      assert.equal(new Set(flows.map(({ id }) => id)).size, flows.length);
      assert.ok(flows.every(({ of }) => of.length > 0));
    });
  });
}

test(
  'no reason is given for a goal that a flow reaches or that does not exist',
  { skip: !playsAll && 'needs every limit: played by --all' },
  () => {
    const explained = plans.flatMap(({ maxToolHops, reachable }) =>
      goalsWith(maxToolHops)
        .filter(({ id }) => !reachable.has(id))
        .map(({ id }) => reasonWhyNot(id, maxToolHops)),
    );
    for (const { why } of [...neverRefused, ...needsHops]) assert.ok(explained.includes(why), why);
  },
);

test('no reason is given for what a flow reaches', () => {
  for (const { maxToolHops, reachable } of plans) {
    const contradicted = needsHops.filter(
      ({ hops, goal }) => hops > maxToolHops && [...reachable].some((reached) => goal.test(reached)),
    );
    assert.deepEqual(
      contradicted.map(({ why }) => why),
      [],
      `with max_tool_hops ${maxToolHops}`,
    );
  }
});

test('the table is complete when all flows have held, and shows what has not', () => {
  const whole = plans.map(({ maxToolHops, flows, reachable }) => ({ maxToolHops, flows, reached: reachable }));
  const shares = (line = '') => [...line.matchAll(/(\d+)\/(\d+)/g)].map(([, reached, all]) => reached === all);
  assert.ok(
    coverageTable(whole)
      .slice(1)
      .every((line) => shares(line).every(Boolean)),
  );
  const [first, ...others] = whole;
  assert.ok(first);
  assert.ok(shares(coverageTable([{ ...first, reached: new Set() }, ...others]).at(-1)).includes(false));
});

test('the server does what its chart says in these flows', { timeout: TIMEOUT_MS }, async (t) => {
  const seed = process.env['MODEL_SEED'] ?? new Date().toISOString().slice(0, 10);
  const hops = playsAll ? '' : ` --hops ${plans.map(({ maxToolHops }) => maxToolHops).join()}`;
  t.diagnostic(`seed ${seed}; again: ./run.sh model --seed ${seed}${hops} --part ${FLOWS}`);
  const cache = await mkdtemp(join(tmpdir(), 'parley-model-cache-'));
  t.after(() => rm(cache, { recursive: true, force: true }));
  const chosen = sample(
    plans.flatMap(({ flows }) => flows),
    FLOWS,
    seed,
  );
  const verdicts = await proveAll(chosen, {
    cache,
    atEnd: true,
    atOnce: availableParallelism(),
    onVerdict: () => undefined,
  });
  assert.equal(verdicts.length, FLOWS);
  const broken = verdicts.filter(({ problems }) => problems.length > 0);
  assert.equal((await explainFailures(broken, new Map(chosen.map((flow) => [flow.id, flow])), cache)).join('\n'), '');
});
