/**
 * `npm run model`: plays every flow of the chart against the whole server, and prints what was covered.
 *
 *   npm run model                          all
 *   npm run model -- --seed 7 --part 40    40 of them, the same for the same seed
 *   npm run model -- --hops 1              those with max_tool_hops 1
 *   npm run model -- --only 4d30b600       that one; with --moves '[...]' and --hops N any other, as a failure tells it
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { proveAll, sample } from '../proof/prove.ts';
import { explainFailures } from './failures.ts';
import { planAll, type Flow } from './flows.ts';
import { readMoves } from './read-moves.ts';
import { coverageTable, forgotten, progress, unreachableList } from './report.ts';

const { values } = parseArgs({ options: { seed: { type: 'string' }, part: { type: 'string' }, only: { type: 'string' }, hops: { type: 'string' }, moves: { type: 'string' } } });
const say = (line: string) => void process.stdout.write(`${line}\n`);

const plans = planAll();
const all = plans.flatMap(({ flows }) => flows).filter(({ maxToolHops }) => values.hops === undefined || maxToolHops === Number(values.hops));
const chosen = choose();
if (chosen.length === 0) throw new Error('there is no such flow');

const cache = await mkdtemp(join(tmpdir(), 'parley-model-cache-'));
const startedMs = performance.now();
const byId = new Map(chosen.map((flow) => [flow.id, flow]));
const verdicts = await proveAll(chosen, {
  cache,
  atRest: true,
  atOnce: availableParallelism() + 1,
  onVerdict(verdict, done) {
    const flow = byId.get(verdict.point.id);
    if (flow) say(progress(flow, verdict, done, chosen.length));
  },
});
const broken = verdicts.filter(({ problems }) => problems.length > 0);
for (const text of await explainFailures(broken, byId, cache)) say(text);
await rm(cache, { recursive: true, force: true });

const held = chosen.filter(({ id }) => !broken.some(({ point }) => point.id === id));
const covered = plans.map(({ maxToolHops }) => {
  const flows = held.filter((flow) => flow.maxToolHops === maxToolHops);
  return { maxToolHops, flows, reached: new Set(flows.flatMap(({ reached }) => [...reached])) };
});
const isWhole = chosen.length === plans.reduce((sum, { flows }) => sum + flows.length, 0);
const missing = plans.flatMap(({ maxToolHops, reachable }) => forgotten(reachable, maxToolHops).map((goal) => `NO FLOW and no reason with max_tool_hops ${maxToolHops}: ${goal}`));
if (isWhole) {
  say('\nNothing outside can bring about, and why:\n');
  for (const line of unreachableList(covered)) say(line);
  say('');
  for (const line of coverageTable(covered)) say(line);
}
for (const line of missing) say(line);
say(`\n${held.length} of ${chosen.length} flows held, in ${Math.round((performance.now() - startedMs) / 1000)} s`);
process.exitCode = broken.length === 0 && missing.length === 0 ? 0 : 1;

function choose(): Flow[] {
  if (values.moves !== undefined) return [readMoves(values.moves, Number(values.hops))];
  if (values.only !== undefined) return all.filter(({ id, of }) => id === values.only || of === values.only);
  return values.part === undefined ? all : sample(all, Number(values.part), values.seed ?? '');
}
