/**
 * Runs the kill-point proof: `npm run proof`. Kills the server at every kill point, or at a seeded part of them, and
 * reports the results.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiNames } from '../../src/llm/api/wire-api.ts';
import { readRunnerOptions } from '../support/runner-options.ts';
import { allKillPoints } from './kill-points.ts';
import { coverEdges, uncoveredEdges } from './paths.ts';
import { edgeTable, failure, progress, summary } from './report.ts';
import { proveAll, sample } from './prove.ts';

const usage = `Usage: npm run proof -- [--seed TEXT --part N] [--only ID] [--api NAME] [--at_once N]

Kills the server at every kill point of its charts, starts it again and judges it from outside.

  --part N      N of the kill points, chosen by --seed
  --seed TEXT   the same seed chooses the same ones
  --only ID     one of them, or all of an edge or a story by its name
  --api NAME    wire protocol of the model: chat, responses or messages; all in turn by default
  --at_once N   servers at the same time; one more than the cores by default
`;

const { text, number, refuse, isUnread } = readRunnerOptions(usage, ['seed', 'part', 'only', 'api', 'at_once']);
const [only, part] = [text('only'), number('part', 1)];
const atOnce = number('at_once', 1) ?? availableParallelism() + 1;
const api = apiNames.find((name) => name === text('api'));
if (text('api') !== undefined && api === undefined) refuse(`no wire protocol is called "${text('api')}"`);
const say = (line: string) => void process.stdout.write(`${line}\n`);

const cover = coverEdges();
const all = allKillPoints(cover);
const chosen =
  only === undefined
    ? part === undefined
      ? all
      : sample(all, part, text('seed') ?? '')
    : all.filter(({ id, of }) => id === only || of === only);
if (chosen.length === 0) refuse(`no kill point, edge or story is called "${only}"`);

const cache = await mkdtemp(join(tmpdir(), 'parley-proof-cache-'));
const startedMs = performance.now();
const verdicts = await proveAll(chosen, {
  cache,
  api,
  atOnce,
  isStopped: isUnread,
  onVerdict(verdict, done) {
    if (verdict.problems.length > 0) say(failure(verdict));
    say(progress(verdict, done, chosen.length));
  },
});
await rm(cache, { recursive: true, force: true });
if (only === undefined) for (const line of edgeTable(cover)) say(line);
for (const line of summary(verdicts, cover, performance.now() - startedMs)) say(line);
process.exitCode =
  verdicts.every(({ problems }) => problems.length === 0) && uncoveredEdges(cover).length === 0 ? 0 : 1;
