/**
 * Runs the bench: Parley and two relays with fewer guarantees, in front of the same scripted model, one after another
 * within each round. `node test/bench/run.ts` prints JSON; docs/explanation/performance.md says how to read it. Linux only: it
 * reads /proc.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRunnerOptions } from '../support/runner-options.ts';
import { createChildren, type Child, type Children } from './children.ts';
import { reportOf, type Round, type ScenarioReport } from './report.ts';
import { scenarios, type Figures, type Scenario } from './scenarios.ts';
import { startSubject, urlIn, type Subject, type SubjectName } from './subjects.ts';

const usage = `Usage: node test/bench/run.ts [--scenario NAME] [--seconds N | --turns N] [--rounds N] [--profile FOLDER]

Compares Parley with two relays that promise less, in front of the same scripted model.

  --scenario NAME    one of ${Object.keys(scenarios).join(', ')}; all by default
  --seconds N        length of a measurement
  --turns N          turns of a measurement
  --rounds N         measurements of each subject
  --profile FOLDER   write a CPU profile of each Parley there when it stops
`;

const { text, number, refuse } = readRunnerOptions(usage, ['scenario', 'seconds', 'turns', 'rounds', 'profile']);
const limits = { seconds: number('seconds', 0.1) ?? null, turns: number('turns', 1) ?? null };
const statedRounds = number('rounds', 1);
const profile = text('profile');

const note = (line: string) => process.stderr.write(`${line}\n`);

function chosen(): [string, Scenario][] {
  const all = Object.entries(scenarios);
  const name = text('scenario');
  const found = all.filter(([each]) => name === undefined || each === name);
  return found.length > 0
    ? found
    : refuse(`--scenario is one of ${all.map(([each]) => each).join(', ')}, not "${name}"`);
}

const wanted = chosen();

interface Bench {
  children: Children;
  folder: string;
  model: string;
  load: Child;
}

async function startSubjects({ children, folder, model }: Bench, name: string, scenario: Scenario): Promise<Subject[]> {
  const { modelPath, relayPath = modelPath } = scenario;
  return Promise.all(
    scenario.subjects.map((subject) => {
      const ours = subject.startsWith('parley');
      return startSubject(children, subject, {
        folder: join(folder, `${name}-${subject}`),
        modelUrl: model + (ours ? modelPath : relayPath),
        tools: modelPath.startsWith('/tool'),
        nodeArgs: ours && profile !== undefined ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [],
      });
    }),
  );
}

async function measure(bench: Bench, name: string, scenario: Scenario): Promise<ScenarioReport> {
  const subjects = await startSubjects(bench, name, scenario);
  for (const subject of subjects) await scenario.warmUp(subject, bench.load);
  const rounds: Round[] = [];
  for (let round = 1; round <= (statedRounds ?? scenario.rounds); round++) {
    const figures = new Map<SubjectName, Figures>();
    for (const subject of subjects) {
      const measured = await scenario.measure(subject, bench.load, { round, ...limits });
      figures.set(subject.name, measured);
      note(`${name} ${round} ${subject.name}: ${scenario.compared} ${measured[scenario.compared]?.toPrecision(3)}`);
    }
    rounds.push(figures);
  }
  await Promise.all(subjects.map((subject) => subject.stop()));
  return reportOf(scenario, rounds);
}

const children = createChildren();
const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'));
let cleaned: Promise<void> | null = null;
/** Once, although the interrupted bench and the signal handler both call it. */
const cleanUp = () => (cleaned ??= children.stopAll().then(() => rm(folder, { recursive: true, force: true })));
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true;
    void cleanUp().finally(() => process.exit(130));
  });
}

try {
  const file = (name: string) => join(import.meta.dirname, name);
  const model = await children.start([file('model.ts')], join(folder, 'model.log'));
  const load = await children.start([file('load.ts')], join(folder, 'load.log'));
  const bench: Bench = { children, folder, model: urlIn(model), load };
  const report: Record<string, ScenarioReport> = {};
  for (const [name, scenario] of wanted) report[name] = await measure(bench, name, scenario);
  const ratios = Object.fromEntries(Object.entries(report).map(([name, { ratios }]) => [name, ratios]));
  process.stdout.write(
    `${JSON.stringify({ node: process.version, cores: cpus().length, scenarios: report, ratios }, null, 2)}\n`,
  );
} catch (error) {
  // Stopping a child rejects its pending questions.
  if (!interrupted) {
    note(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
} finally {
  await cleanUp();
}
