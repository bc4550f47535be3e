/**
 * Runs the soak: `npm run soak -- --minutes 60`. Prints each minute and a report as JSON, and exits with 1 if a figure
 * grows faster than its bound, a turn went wrong, or `check` finds a problem.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRunnerOptions } from '../support/runner-options.ts';
import { soak } from './soak.ts';
import type { Sample } from './slopes.ts';

const usage = `Usage: npm run soak -- [--minutes N] [--warm-up N] [--clients N] [--pause MS] [--rss N] [--heap N]

Serves moderate load and measures what grows: memory, open files, the database. Linux only.

  --minutes N   how long; 60 by default
  --warm-up N   minutes that are not judged: caches fill and code is compiled; a third by default
  --clients N   clients that chat; 12 by default
  --pause MS    mean pause between two turns of a client; 500 by default
  --rss N       most growth of resident memory in MiB a minute; 0.5 by default: 1 GiB in 34 hours
  --heap N      the same for used heap; 0.2 by default: a collection may be missing at one end of the line
`;

const { number, isUnread } = readRunnerOptions(usage, ['minutes', 'warm-up', 'clients', 'pause', 'rss', 'heap']);
const minutes = number('minutes', 0.1) ?? 60;
const warmUpMinutes = number('warm-up', 0) ?? minutes / 3;

/** Samples that are printed. */
const NOTE_MINUTES = 1;
let notedMinutes = 0;
function note(sample: Sample): void {
  if (sample.minutes < notedMinutes) return;
  notedMinutes += NOTE_MINUTES;
  process.stderr.write(`${JSON.stringify(rounded(sample))}\n`);
}
const rounded = (values: object) =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      typeof value === 'number' ? Math.round(value * 100) / 100 : value,
    ]),
  );

const folder = await mkdtemp(join(tmpdir(), 'parley-soak-'));
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isStopped = true));
try {
  const { samples, slopes, ...rest } = await soak(folder, {
    minutes,
    warmUpMinutes,
    clients: number('clients', 1) ?? 12,
    pauseMs: number('pause', 0) ?? 500,
    sampleMs: Math.min(5000, minutes * 1000),
    bounds: {
      rssMiB: number('rss', 0) ?? 0.5,
      heapMiB: number('heap', 0) ?? 0.2,
      externalMiB: 0.2,
      // A socket of a client may be open at the last sample and not at the first one.
      descriptors: 0.5,
      files: 0,
      // Retention and deletions bound the rows. The write-ahead log and free pages vary.
      databaseMiB: 0.2,
    },
    onSample: note,
    isOver: () => isStopped || isUnread(),
  });
  const passed = rest.problems.length === 0 && slopes.every(({ holds }) => holds);
  const report = { passed, minutes, warmUpMinutes, samples: samples.length, slopes: slopes.map(rounded), ...rest };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = passed ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
