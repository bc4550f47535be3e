/**
 * Runs test files with Node's test runner, then, with `--all`, the whole long suites. Each file has a process of its
 * own. Long files start first, so that no core idles at the end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { readRunnerOptions } from './support/runner-options.ts';

const usage = `Usage: node test/runner.ts [--all] [NAME...]

Runs the tests, or the test files with a NAME in their path: a folder of test/ (store) or a part of a path (conversation/turn).

  --all   then runs each long suite whole: proof, model, property, fuzz, conformance
`;

const project = join(import.meta.dirname, '..');

/** Many tests wait more than they compute, so one file more than cores keeps all cores busy. */
const CONCURRENCY = availableParallelism() + 1;

/** Timeout of one test, in milliseconds: far above any need, also on a busy machine. */
const TEST_TIMEOUT_MS = 300_000;

/** Folders whose files take longest, because they start browsers and whole servers. They run first. */
const LONGEST = [
  'run',
  'inspect',
  'proof',
  'model',
  'fuzz',
  'protocol-property',
  'reload',
  'server',
  'integration',
  'conversation',
  'gateway',
];

/** The suites that `--all` runs whole; the tests run a part of each. */
const LONG_SUITES: readonly { script: string; args: readonly string[] }[] = [
  { script: 'proof', args: [] },
  { script: 'model', args: [] },
  { script: 'property', args: ['--runs', '500'] },
  { script: 'fuzz', args: ['--minutes', '10'] },
  { script: 'conformance', args: [] },
];

function filesOf(names: readonly string[]): string[] {
  const files = globSync('test/**/*.test.ts', { cwd: project }).sort();
  const chosen = names.length === 0 ? files : files.filter((file) => names.some((name) => file.includes(name)));
  const isLong = (file: string) => LONGEST.includes(file.split('/')[1] ?? '');
  return [...chosen.filter(isLong), ...chosen.filter((file) => !isLong(file))].map((file) => join(project, file));
}

async function runFiles(files: string[]): Promise<boolean> {
  let passed = true;
  const results = run({ files, concurrency: CONCURRENCY, timeout: TEST_TIMEOUT_MS, cwd: project });
  results.on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) passed = false;
  });
  const report = results.compose(new spec());
  report.pipe(process.stdout);
  await once(report, 'end');
  return passed;
}

async function runSuite(script: string, args: readonly string[]): Promise<boolean> {
  process.stdout.write(`\n${['npm run', script, ...(args.length > 0 ? ['--', ...args] : [])].join(' ')}\n`);
  const suite = spawn('npm', ['run', '--silent', script, '--', ...args], { cwd: project, stdio: 'inherit' });
  const [code] = await once(suite, 'close');
  return code === 0;
}

const { has, words, refuse } = readRunnerOptions(usage, [], ['all'], true);
const unknown = words.find((name) => filesOf([name]).length === 0);
if (unknown !== undefined) refuse(`no test file has "${unknown}" in its path`);

// Child processes reuse compiled code: each test file and each server that a test starts loads the same modules.
process.env['NODE_COMPILE_CACHE'] ??= join(project, 'node_modules', '.cache', 'node');

// Tests that usually run a part of a suite run all of it.
if (has('all')) process.env['PARLEY_TEST_ALL'] = '1';
let passed = await runFiles(filesOf(words));
if (has('all'))
  for (const { script, args: suiteArgs } of LONG_SUITES) passed = (await runSuite(script, suiteArgs)) && passed;
process.exitCode = passed ? 0 : 1;
