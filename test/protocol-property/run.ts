/**
 * `npm run property`: the same as the test, for longer.
 *
 *   npm run property -- --runs 500            500 runs, by a seed that a failure tells
 *   npm run property -- --seed 7 --path 3:1   one run again
 */
import { test } from 'node:test';
import { parseArgs } from 'node:util';
import { examine } from './examine.ts';

/** For the runs, and for making one that fails shorter. */
const LIMIT_MS = 3_600_000;

const { values } = parseArgs({ options: { runs: { type: 'string', default: '100' }, seed: { type: 'string' }, path: { type: 'string' } } });
const { runs, path } = values;
const seed = Number(values.seed ?? Date.now() % 2 ** 31);

test(`${runs} runs of random clients by the seed ${seed}`, () => examine({ runs: Number(runs), seed, limitMs: LIMIT_MS, ...(path === undefined ? {} : { path }) }));
