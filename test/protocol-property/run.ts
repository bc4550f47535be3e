/**
 * Runs the property test for longer: `npm run property`.
 */
import { test } from 'node:test';
import { readRunnerOptions } from '../support/runner-options.ts';
import { checkProperty } from './check-property.ts';

/** Limit for the runs and for shrinking a failure. */
const LIMIT_MS = 3_600_000;

const usage = `Usage: npm run property -- [--runs N] [--seed N [--path P]]

Runs random clients against the server and compares what they hold in the end with the log.

  --runs N   how many; 100 by default
  --seed N   the same seed gives the same runs
  --path P   with --seed: one run again, as a failure reports it
`;

const { text, number, refuse } = readRunnerOptions(usage, ['runs', 'seed', 'path']);
const [runs, path] = [number('runs', 1) ?? 100, text('path')];
if (path !== undefined && text('seed') === undefined) refuse('--path needs --seed');
const seed = number('seed', 0) ?? Date.now() % 2 ** 31;

test(`${runs} runs of random clients by the seed ${seed}`, () =>
  checkProperty({ runs, seed, limitMs: LIMIT_MS, ...(path === undefined ? {} : { path }) }));
