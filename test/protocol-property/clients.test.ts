/**
 * Random clients against the real server: they connect, drop, come back, chat, stop, subscribe, read slowly and see
 * restarts, in any order, and what judge.ts says holds. One seed is always the same; the other is the day's, or
 * PARLEY_SEED.
 */
import { test } from 'node:test';
import { checkProperty } from './check-property.ts';

/** About ten seconds of one core; `npm run property` does more. */
const RUNS = 15;
/** A failure may be made shorter for so long. */
const LIMIT_MS = 60_000;

const today = Number(new Date().toISOString().slice(0, 10).replaceAll('-', ''));
const seeds = { 'the fixed seed': 20_261_101, 'the seed of the day': Number(process.env['PARLEY_SEED'] ?? today) };

for (const [name, seed] of Object.entries(seeds)) {
  test(`whatever clients do, they hold what the log says, and each request is answered once: ${name}, ${seed}`, () =>
    checkProperty({ runs: RUNS, seed, limitMs: LIMIT_MS }));
}
