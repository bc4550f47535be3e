/**
 * Measures the cost of inspection: the same turns with inspection disabled, with inspection enabled and no viewer, and
 * with a viewer for every conversation. `node test/bench/inspection.ts` prints JSON: server CPU in ms a turn, and the
 * ratios to the first. Linux only: it reads /proc.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { readRunnerOptions } from '../support/runner-options.ts';
import { createChildren } from './children.ts';
import { reportOf, type Round } from './report.ts';
import { scenarios, type Figures, type MeasureOptions } from './scenarios.ts';
import { startSubject, urlIn, type Subject, type SubjectName } from './subjects.ts';

const subjects = ['parley-uninspected', 'parley', 'parley-watched'] as const;
const { number } = readRunnerOptions(
  `Usage: node test/bench/inspection.ts [--rounds N] [--seconds N]

Compares turns without inspection, with inspection and no viewer, and with every conversation watched.

  --rounds N    measurements; 5 by default
  --seconds N   length of each; 3 by default
`,
  ['rounds', 'seconds'],
);
const statedRounds = number('rounds', 1) ?? 5;
const seconds = number('seconds', 0.1) ?? 3;
const { busy } = scenarios;
if (!busy) throw new Error('the bench has no busy scenario');

/** As many as the scenario has clients; the load makes the same ids. */
const CONVERSATIONS = 64;

async function watchAll(subject: Subject, options: MeasureOptions): Promise<WebSocket[]> {
  const { host } = new URL(subject.url);
  const sockets = Array.from(
    { length: CONVERSATIONS },
    (_, index) => new WebSocket(`ws://${host}/inspect/events?conversation=round${options.round}-${index}`),
  );
  await Promise.all(sockets.map((socket) => once(socket, 'open')));
  return sockets;
}

const children = createChildren();
const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'));
try {
  const file = (name: string) => join(import.meta.dirname, name);
  const model = await children.start([file('model.ts')], join(folder, 'model.log'));
  const load = await children.start([file('load.ts')], join(folder, 'load.log'));
  const started = await Promise.all(
    subjects.map((name) =>
      startSubject(children, name, {
        folder: join(folder, name),
        modelUrl: urlIn(model) + busy.modelPath,
        tools: false,
        nodeArgs: [],
      }),
    ),
  );
  for (const subject of started) await busy.warmUp(subject, load);
  const rounds: Round[] = [];
  for (let round = 1; round <= statedRounds; round += 1) {
    const figures = new Map<SubjectName, Figures>();
    for (const subject of started) {
      const options = { round, seconds, turns: null };
      const sockets = subject.name === 'parley-watched' ? await watchAll(subject, options) : [];
      figures.set(subject.name, await busy.measure(subject, load, options));
      for (const socket of sockets) socket.terminate();
    }
    rounds.push(figures);
  }
  const { servers } = reportOf({ title: '', compared: 'cpuMsPerTurn' }, rounds);
  const ratios = Object.fromEntries(
    subjects
      .slice(1)
      .map((name) => [
        `${name} / ${subjects[0]}`,
        median(rounds.map((round) => cpuOf(round, name) / cpuOf(round, subjects[0]))),
      ]),
  );
  const cpuMsPerTurn = Object.fromEntries(subjects.map((name) => [name, servers[name]?.['cpuMsPerTurn']]));
  process.stdout.write(
    `${JSON.stringify({ node: process.version, cores: cpus().length, rounds: rounds.length, cpuMsPerTurn, ratios }, null, 2)}\n`,
  );
} finally {
  await children.stopAll();
  await rm(folder, { recursive: true, force: true });
}

function cpuOf(round: Round, name: SubjectName): number {
  return round.get(name)?.['cpuMsPerTurn'] ?? Number.NaN;
}

function median(numbers: readonly number[]): number {
  return Number(
    (numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN).toPrecision(3),
  );
}
