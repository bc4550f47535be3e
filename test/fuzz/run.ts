/**
 * Runs the fuzz test: `npm run fuzz`. Prints its report as JSON and exits with 1 when the server broke a rule;
 * docs/explanation/testing.md says how to read it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRunnerOptions } from '../support/runner-options.ts';
import { createChildren } from '../bench/children.ts';
import { runCampaign, type CampaignOptions } from './campaign.ts';

const usage = `Usage: npm run fuzz -- [--minutes N] [--seed N] [--only NUMBER]

Attacks the server and judges it by its answers, its honest clients, its memory and its log.

  --minutes N     how long; 1 by default
  --seed N        the same seed gives the same attacks
  --only NUMBER   one attack of the seed
`;

const { number } = readRunnerOptions(usage, ['minutes', 'seed', 'only']);
const minutes = number('minutes', 0.1) ?? 1;

/**
 * The first round is the warm-up. A fifth of the time is enough to fill the page caches of the database with the log.
 */
const rounds = 5;

const note = (line: string) => process.stderr.write(`${line}\n`);

function chosen(): CampaignOptions {
  const seed = number('seed', 0) ?? Date.now() % 2 ** 31;
  const only = number('only', 0);
  if (only !== undefined) return { seed, calmSeconds: 1, rounds: 1, roundSeconds: 60, only, note };
  const seconds = minutes * 60;
  return { seed, calmSeconds: Math.min(10, seconds / 10), rounds, roundSeconds: seconds / rounds, only: null, note };
}

const options = chosen();
const children = createChildren();
const folder = await mkdtemp(join(tmpdir(), 'parley-fuzz-'));
let cleaned: Promise<void> | null = null;
/** Once, although the interrupted run and the signal handler both call it. */
const cleanUp = () => (cleaned ??= children.stopAll().then(() => rm(folder, { recursive: true, force: true })));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
}

try {
  const report = await runCampaign(children, folder, options);
  const passed = report.violations.length === 0 && report.problems.length === 0;
  const repeat = `npm run fuzz -- --seed ${options.seed} --minutes ${minutes}`;
  process.stdout.write(
    `${JSON.stringify({ passed, seed: options.seed, repeat, node: process.version, ...report }, null, 2)}\n`,
  );
  process.exitCode = passed ? 0 : 1;
} catch (error) {
  note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
} finally {
  await cleanUp();
}
