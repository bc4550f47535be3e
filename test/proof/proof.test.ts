/**
 * Runs the part of the kill-point proof that belongs to every test run. It checks the edge cover, and kills a server at
 * a few points that change with the date. `npm run proof` runs all kill points.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { allKillPoints } from './kill-points.ts';
import { allEdges, coverEdges, uncoveredEdges } from './paths.ts';
import { proveAll, sample } from './prove.ts';
import { failure } from './report.ts';
import { stories } from './stories.ts';
import { worldsOf } from './story-worlds.ts';
import { reasonFor, unreachable } from './unreachable.ts';
import { stateOf } from './world.ts';

/** About ten seconds on two quiet cores. */
const POINTS = 4;
/** Long enough for a busy machine. */
const TIMEOUT_MS = 300_000;

const cover = coverEdges();

test('every edge of the shipping charts is on a path or has a reason why none leads to it', () => {
  const edges = allEdges();
  assert.ok(edges.length > 300);
  assert.deepEqual(uncoveredEdges(cover), [], 'extend the proof as docs/explanation/testing.md says');
  assert.deepEqual(
    [...cover.keys()].filter((edge) => !edges.includes(edge)),
    [],
    'taken, but not in the charts',
  );
});

test('no reason is given for an edge that is on a path or does not exist', () => {
  assert.deepEqual(
    [...cover.keys()].filter((edge) => reasonFor(edge) !== null),
    [],
  );
  const needed = allEdges().filter((edge) => !cover.has(edge));
  assert.deepEqual(
    unreachable.filter((reason) => !needed.some((edge) => reason.edge.test(edge))).map(({ why }) => why),
    [],
  );
});

test('every story ends idle', () => {
  for (const [name, story] of Object.entries(stories)) {
    const end = worldsOf(story).at(-1);
    assert.ok(
      end && end.held.length === 0 && ['idle', 'asleep'].includes(stateOf(end)),
      `${name}: ${end && stateOf(end)}`,
    );
  }
});

test('a server that is killed in one of these gaps keeps its promises', { timeout: TIMEOUT_MS }, async (t) => {
  const seed = process.env['PROOF_SEED'] ?? new Date().toISOString().slice(0, 10);
  t.diagnostic(`seed ${seed}; again: npm run proof -- --seed ${seed} --part ${POINTS}`);
  const cache = await mkdtemp(join(tmpdir(), 'parley-proof-cache-'));
  t.after(() => rm(cache, { recursive: true, force: true }));
  const verdicts = await proveAll(sample(allKillPoints(cover), POINTS, seed), {
    cache,
    atOnce: availableParallelism(),
    onVerdict: () => undefined,
  });
  assert.equal(verdicts.length, POINTS);
  assert.equal(
    verdicts
      .filter(({ problems }) => problems.length > 0)
      .map(failure)
      .join('\n'),
    '',
  );
});
