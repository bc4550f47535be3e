/**
 * Runs random clients against the real server: they connect, drop, reconnect, chat, stop, subscribe, read slowly and
 * see restarts, in any order. The invariants of judge.ts must hold. One seed is fixed; the other is the date or
 * PARLEY_SEED.
 */
import { test } from 'node:test';
import { checkProperty } from './check-property.ts';

/** About ten seconds of one core; `npm run property` runs more. */
const RUNS = 15;
/** Limit for the runs and for shrinking a failure. */
const LIMIT_MS = 300_000;

const today = Number(new Date().toISOString().slice(0, 10).replaceAll('-', ''));
const seeds = { 'the fixed seed': 20_261_101, 'the seed of the day': Number(process.env['PARLEY_SEED'] ?? today) };

for (const [name, seed] of Object.entries(seeds)) {
  test(`random clients have the text of the log and one answer to each request: ${name}, ${seed}`, () =>
    checkProperty({ runs: RUNS, seed, limitMs: LIMIT_MS }));
}
