/**
 * `npm run proof`: kills the server at every kill point, or at a seeded part of them, and tells what held.
 *
 *   npm run proof                          all
 *   npm run proof -- --seed 7 --part 40    40 of them, the same for the same seed
 *   npm run proof -- --only 4d30b600       that one, or all of an edge or story by its name
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allKillPoints } from './kill-points.ts';
import { coverEdges, forgottenEdges } from './paths.ts';
import { edgeTable, failure, progress, summary } from './report.ts';
import { proveAll, sample } from './prove.ts';

const { values } = parseArgs({ options: { seed: { type: 'string' }, part: { type: 'string' }, only: { type: 'string' }, at_once: { type: 'string' } } });
const say = (line: string) => void process.stdout.write(`${line}\n`);

const cover = coverEdges();
const all = allKillPoints(cover);
const chosen = values.only === undefined
  ? values.part === undefined ? all : sample(all, Number(values.part), values.seed ?? '')
  : all.filter(({ id, of }) => id === values.only || of === values.only);
if (chosen.length === 0) throw new Error(`no kill point is called ${values.only ?? ''}`);

const cache = await mkdtemp(join(tmpdir(), 'parley-proof-cache-'));
const startedMs = performance.now();
const verdicts = await proveAll(chosen, {
  cache,
  atOnce: Number(values.at_once ?? availableParallelism() + 1),
  onVerdict(verdict, done) {
    if (verdict.problems.length > 0) say(failure(verdict));
    say(progress(verdict, done, chosen.length));
  },
});
await rm(cache, { recursive: true, force: true });
if (values.only === undefined) for (const line of edgeTable(cover)) say(line);
for (const line of summary(verdicts, cover, performance.now() - startedMs)) say(line);
process.exitCode = verdicts.every(({ problems }) => problems.length === 0) && forgottenEdges(cover).length === 0 ? 0 : 1;
