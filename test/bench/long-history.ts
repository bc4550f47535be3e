/**
 * Compares the 1,000th turn of a conversation with its 10th. `node test/bench/long-history.ts` prints JSON, in about a
 * minute. Linux only: it reads /proc.
 *
 * The server is the shipping one, but keeps every row (`unlimited`), and the messages are so long that the window is
 * full after some eight turns. In each round a new conversation takes ten turns from its tenth on, and the old one its
 * next ten. They run side by side, because on a shared machine only ratios within a round are reliable.
 *
 * `warm`: all defaults. `cold`: nothing is kept in memory, so each turn reads its window from the log.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRunnerOptions } from '../support/runner-options.ts';
import { createChildren, type Child } from './children.ts';
import { loadResult, type Job } from './load-job.ts';
import { usageOf } from './process-tree.ts';
import { urlIn } from './subjects.ts';

const { number } = readRunnerOptions(
  `Usage: node test/bench/long-history.ts [--turns N] [--rounds N]

Compares the last turns of a long conversation with those of a new one.

  --turns N    length of the long conversation; 1000 by default
  --rounds N   measurements; 9 by default
`,
  ['turns', 'rounds'],
);
const history = number('turns', 20) ?? 1000;
const rounds = number('rounds', 1) ?? 9;

/** Turns of a new conversation before it is measured, and of each measurement. */
const earlyTurns = 9;
const sample = 10;
const text = 'Say something about the weather in the mountains, please. '.repeat(28);
const variants = { warm: 67_108_864, cold: 0 };

const file = (...path: string[]) => join(import.meta.dirname, ...path);
const note = (line: string) => process.stderr.write(`${line}\n`);

interface Sample {
  cpuMs: number;
  wallMs: number;
}

function median(figures: readonly number[]): number {
  return Number((figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? NaN).toPrecision(3));
}

async function startServer(name: keyof typeof variants, model: string): Promise<Child> {
  const home = join(folder, name);
  await mkdir(home);
  const config = {
    llm: { active: 'scripted', providers: { scripted: { base_url: `${model}/64/0`, model: 'scripted-model' } } },
    chat: { websocket: { host: '127.0.0.1', port: 0 }, service: { log_cache_bytes: variants[name] } },
    repository: { path: join(home, 'events.db'), persistence: { retention_policy: 'unlimited' } },
    mcp: { config_file: join(home, 'servers.json') },
    logging: { level: 'error' },
  };
  // YAML is a superset of JSON.
  await writeFile(join(home, 'config.yaml'), JSON.stringify(config));
  await writeFile(join(home, 'servers.json'), '{"mcpServers":{}}');
  return children.start(
    ['--import', file('probe.ts'), file('..', '..', 'src', 'main.ts'), '--config', join(home, 'config.yaml')],
    join(home, 'stderr.log'),
  );
}

async function measure(name: keyof typeof variants, model: string, load: Child) {
  const server = await startServer(name, model);
  const take = async (conversation: string, turnsEach: number): Promise<Sample> => {
    const job: Job = {
      url: urlIn(server),
      conversations: 1,
      atOnce: 1,
      name: conversation,
      text,
      turnsEach,
      seconds: 600,
      staggerMs: 0,
    };
    const before = usageOf(server.pid).treeMs;
    const { seconds } = await load.ask(job, loadResult);
    return { cpuMs: (usageOf(server.pid).treeMs - before) / turnsEach, wallMs: (seconds * 1000) / turnsEach };
  };
  await take('old', history - 1);
  const young: Sample[] = [];
  const old: Sample[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    await take(`young${round}`, earlyTurns);
    young.push(await take(`young${round}`, sample));
    old.push(await take('old', sample));
    note(`${name} ${round}: ${young.at(-1)?.cpuMs.toFixed(2)} and ${old.at(-1)?.cpuMs.toFixed(2)} ms of CPU a turn`);
  }
  await server.stop();
  const of = (figure: keyof Sample) => ({
    young: median(young.map((each) => each[figure])),
    old: median(old.map((each) => each[figure])),
    oldOverYoung: median(old.map((each, index) => each[figure] / (young[index]?.[figure] ?? NaN))),
  });
  return { cpuMsPerTurn: of('cpuMs'), wallMsPerTurn: of('wallMs') };
}

const children = createChildren();
const folder = await mkdtemp(join(tmpdir(), 'parley-long-'));
try {
  const model = urlIn(await children.start([file('model.ts')], join(folder, 'model.log')));
  const load = await children.start([file('load.ts')], join(folder, 'load.log'));
  const warm = await measure('warm', model, load);
  const cold = await measure('cold', model, load);
  process.stdout.write(
    `${JSON.stringify({ node: process.version, turnsBefore: history - 1, rounds, warm, cold }, null, 2)}\n`,
  );
} finally {
  await children.stopAll();
  await rm(folder, { recursive: true, force: true });
}
