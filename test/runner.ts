/**
 * Runs test files with Node's test runner, then, with `--all`, the whole long suites. Files of one folder share a
 * process, so that each module loads once for several. Long ones start first, so that no core idles at the end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';
import { readRunnerOptions } from './support/runner-options.ts';

const usage = `Usage: node test/runner.ts [--all] [NAME...]

Runs the tests, or the test files with a NAME in their path: a folder of test/ (store) or a part of a path (conversation/turn).

  --all   then runs each long suite whole: proof, model, property, fuzz, conformance
`;

const project = join(import.meta.dirname, '..');

/** Many tests wait more than they compute, so two processes more than cores keep all cores busy. */
const CONCURRENCY = availableParallelism() + 2;

/** Timeout of one test, in milliseconds: far above any need, also on a busy machine. */
const TEST_TIMEOUT_MS = 600_000;

/** Folders whose files take longest, because they start browsers and whole servers. They run first. */
const LONGEST = [
  'run',
  'proof',
  'model',
  'fuzz',
  'inspect',
  'integration',
  'server',
  'conversation',
  'delivery',
  'protocol-property',
  'reload',
];

/** Folders whose files have a process each: long ones, and those that judge their own process. */
const ALONE = ['run', 'proof', 'model', 'fuzz', 'soak', 'conformance', 'protocol-property'];

/** Most files that share a process: more load fewer modules, fewer spread better over the cores. */
const FILES_A_PROCESS = 10;

/** The suites that `--all` runs whole; the tests run a part of each. */
const LONG_SUITES: readonly { script: string; args: readonly string[] }[] = [
  { script: 'proof', args: [] },
  { script: 'model', args: [] },
  { script: 'property', args: ['--runs', '500'] },
  { script: 'fuzz', args: ['--minutes', '10'] },
  { script: 'conformance', args: [] },
];

/** Paths below the project, the long ones first. */
function filesOf(names: readonly string[]): string[] {
  const files = globSync('test/**/*.test.ts', { cwd: project }).sort();
  const chosen = names.length === 0 ? files : files.filter((file) => names.some((name) => file.includes(name)));
  const rank = (file: string) => (LONGEST.includes(areaOf(file)) ? LONGEST.indexOf(areaOf(file)) : LONGEST.length);
  return chosen.sort((a, b) => rank(a) - rank(b));
}

/** The folder below test/. */
const areaOf = (file: string) => file.split('/')[1] ?? '';

/** The files of each process, in the order of `files`. */
function groupsOf(files: readonly string[]): string[][] {
  return Object.values(Object.groupBy(files, dirname)).flatMap((folder = []) => {
    const processes = ALONE.includes(areaOf(folder[0] ?? ''))
      ? folder.length
      : Math.ceil(folder.length / FILES_A_PROCESS);
    // Dealt out like cards: neighbours in the alphabet are often alike, and as long.
    return Array.from({ length: processes }, (_, first) => folder.filter((_, at) => at % processes === first));
  });
}

/** Writes a program for each group, which imports the group's files, and resolves with their paths. */
function writePrograms(groups: readonly string[][], folder: string): Promise<string[]> {
  return Promise.all(
    groups.map(async (files, at) => {
      const program = join(folder, `${areaOf(files[0] ?? '')}-${at}.mjs`);
      const imports = files.map((file) => `import ${JSON.stringify(pathToFileURL(join(project, file)).href)};\n`);
      await writeFile(program, imports.join(''));
      return program;
    }),
  );
}

async function runFiles(files: string[]): Promise<boolean> {
  let passed = true;
  const folder = await mkdtemp(join(tmpdir(), 'parley-tests-'));
  try {
    const programs = await writePrograms(groupsOf(files), folder);
    const results = run({ files: programs, concurrency: CONCURRENCY, timeout: TEST_TIMEOUT_MS, cwd: project });
    results.on('test:fail', ({ todo }) => {
      if (todo === undefined || todo === false) passed = false;
    });
    const report = results.compose(new spec());
    report.pipe(process.stdout);
    await once(report, 'end');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
