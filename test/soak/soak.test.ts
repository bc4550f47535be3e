/** Checks the soak run: its slopes, and a few seconds of the whole. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { soak } from './soak.ts';
import { slopesOf, type Bounds, type Sample } from './slopes.ts';

const bounds: Bounds = { rssMiB: 0.5, heapMiB: 0.5, externalMiB: 0.5, descriptors: 0.5, files: 0, databaseMiB: 1 };
const flat = { rssMiB: 100, heapMiB: 50, externalMiB: 5, descriptors: 30, files: 4, databaseMiB: 2 };
const broken = (samples: readonly Sample[], warmUp: number) =>
  slopesOf(samples, warmUp, bounds)
    .filter(({ holds }) => !holds)
    .map(({ figure, perMinute }) => [figure, Math.round(perMinute * 1000) / 1000]);

describe('the slopes of a soak', () => {
  it('find what grows through noise, and leave out the warm-up', () => {
    const samples = Array.from({ length: 100 }, (_, minutes) => ({
      ...flat,
      minutes,
      rssMiB: 100 + minutes * 0.6 + (minutes % 2) * 4,
      heapMiB: minutes < 20 ? minutes * 5 : 100 + (minutes % 3),
      files: minutes === 99 ? 5 : 4,
    }));
    const [rss, files] = broken(samples, 20);
    assert.deepEqual([rss?.[0], files?.[0], broken(samples, 20).length], ['rssMiB', 'files', 2]);
    assert.ok(Math.abs(Number(rss?.[1]) - 0.6) < 0.01, String(rss));
    assert.deepEqual(
      broken(samples, 0)
        .map(([figure]) => figure)
        .slice(0, 2),
      ['rssMiB', 'heapMiB'],
    );
  });

  it('hold for no sample', () => {
    assert.deepEqual(broken([], 0), []);
  });
});

describe('a soak of a few seconds', { skip: process.platform === 'linux' ? false : 'reads /proc' }, () => {
  it('samples every figure, answers every turn, and leaves a database without problems', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-soak-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const { turns, samples, slopes, problems, check } = await soak(folder, {
      minutes: 4 / 60,
      warmUpMinutes: 0,
      clients: 2,
      pauseMs: 20,
      sampleMs: 500,
      bounds,
    });
    assert.deepEqual(problems, []);
    assert.ok(turns > 0 && samples.length > 0);
    for (const { figure, most } of slopes) assert.ok(most > 0, figure);
    assert.match(check.join('\n'), /Everything is in order/);
  });
});
