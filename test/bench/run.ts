/**
 * The bench: Parley beside two relays that promise less, in front of the same scripted model, in turns
 * within each round. `node test/bench/run.ts [--scenario NAME] [--seconds N | --turns N] [--rounds N]
 * [--profile FOLDER]` prints JSON; docs/performance.md says how to read it. Linux only: it reads /proc.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createChildren, type Child, type Children } from './children.ts';
import { reportOf, type Round, type ScenarioReport } from './report.ts';
import { scenarios, type Figures, type Scenario } from './scenarios.ts';
import { startSubject, urlIn, type Subject, type SubjectName } from './subjects.ts';

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    seconds: { type: 'string' },
    turns: { type: 'string' },
    rounds: { type: 'string' },
    /** Writes a CPU profile of each Parley there when it stops. */
    profile: { type: 'string' },
  },
});

const note = (line: string) => process.stderr.write(`${line}\n`);

function numberOf(flag: 'seconds' | 'turns' | 'rounds'): number | null {
  const text = values[flag];
  if (text === undefined) return null;
  const number = Number(text);
  if (!(number > 0)) throw new Error(`--${flag} needs a number above 0, not "${text}"`);
  return number;
}

function chosen(): [string, Scenario][] {
  const all = Object.entries(scenarios);
  if (values.scenario === undefined) return all;
  const found = all.filter(([name]) => name === values.scenario);
  if (found.length === 0) throw new Error(`--scenario is one of ${all.map(([name]) => name).join(', ')}`);
  return found;
}

interface Bench {
  children: Children;
  folder: string;
  model: string;
  load: Child;
}

async function startSubjects({ children, folder, model }: Bench, name: string, scenario: Scenario): Promise<Subject[]> {
  const { modelPath, relayPath = modelPath } = scenario;
  return Promise.all(scenario.subjects.map((subject) => {
    const ours = subject.startsWith('parley');
    return startSubject(children, subject, {
      folder: join(folder, `${name}-${subject}`),
      modelUrl: model + (ours ? modelPath : relayPath),
      tools: modelPath.startsWith('/tool'),
      nodeArgs: ours && values.profile !== undefined ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : [],
    });
  }));
}

async function measure(bench: Bench, name: string, scenario: Scenario): Promise<ScenarioReport> {
  const subjects = await startSubjects(bench, name, scenario);
  for (const subject of subjects) await scenario.warmUp(subject, bench.load);
  const rounds: Round[] = [];
  const limits = { seconds: numberOf('seconds'), turns: numberOf('turns') };
  for (let round = 1; round <= (numberOf('rounds') ?? scenario.rounds); round++) {
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
/** Once, however many ask: the interrupted bench does, and so does the signal. */
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
  for (const [name, scenario] of chosen()) report[name] = await measure(bench, name, scenario);
  const ratios = Object.fromEntries(Object.entries(report).map(([name, { ratios }]) => [name, ratios]));
  process.stdout.write(`${JSON.stringify({ node: process.version, cores: cpus().length, scenarios: report, ratios }, null, 2)}\n`);
} catch (error) {
  // What is being stopped fails whoever waits for it.
  if (!interrupted) {
    note(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
} finally {
  await cleanUp();
}
