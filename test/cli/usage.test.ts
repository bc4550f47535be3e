/** Tests the help of every command and runner, and their messages about a wrong command line: never a stack. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { sharedOut } from '../support/daily-sample.ts';

const project = join(import.meta.dirname, '..', '..');

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

async function run(args: readonly string[]): Promise<Ran> {
  const running = promisify(execFile)(process.execPath, args, { cwd: project });
  const { stdout, stderr } = await running.catch((error: Error & { stdout: string; stderr: string }) => error);
  return { code: running.child.exitCode ?? -1, stdout, stderr };
}

const textOf = (file: string) => readFileSync(join(project, file), 'utf8');
/** Programs that people start. `model` is a command too. */
const runners = globSync('test/{proof,protocol-property,fuzz,conformance,bench,docs}/*.ts', { cwd: project }).filter(
  (file) => textOf(file).includes('readRunnerOptions('),
);

describe('a command', () => {
  // As run.sh dispatches them. What each of them says is tested without a process, in test/cli/parse-args.test.ts.
  for (const [name, ...program] of [
    ['replay', 'src/main.ts', 'replay'],
    ['model', 'test/model/run.ts'],
  ] as const) {
    it(`${name} prints its own help, and refuses what it does not know with its synopsis`, async () => {
      const [help, wrong] = await Promise.all([run([...program, '--help']), run([...program, '--no-such'])]);
      assert.deepEqual([help.code, help.stderr], [0, '']);
      assert.match(help.stdout, new RegExp(`^Usage: \\./run\\.sh ${name}`));
      assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
      assert.match(wrong.stderr, new RegExp(`^--no-such is not a known flag\\n\\nUsage: \\./run\\.sh ${name}`));
    });
  }
});

const notToday = sharedOut(3);

describe('a runner', () => {
  it('reads its options by the common helper', () => {
    const started = [
      ...`${textOf('package.json')}${globSync('test/bench/*.ts', { cwd: project }).map(textOf).join()}`.matchAll(
        /node (test\/(?!supply-chain)[\w/-]+\.ts)/g,
      ),
    ];
    assert.ok(started.length > 8);
    for (const [, file = ''] of started) assert.match(textOf(file), /readRunnerOptions\(/, file);
  });

  for (const [at, file] of runners.entries()) {
    it(`${file} prints its help and refuses what it does not know`, { skip: notToday(at) }, async () => {
      const [help, wrong] = await Promise.all([run([file, '--help']), run([file, '--no-such'])]);
      assert.deepEqual([help.code, help.stderr], [0, '']);
      assert.match(help.stdout, /^Usage: \S+/);
      assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
      assert.match(wrong.stderr, /^--no-such is not a known flag\n\nUsage: [^\n]+\n$/);
    });
  }

  it('refuses a number that is none, and flags that do not go together, without a stack', async () => {
    const refusals = await Promise.all([
      run(['test/fuzz/run.ts', '--minutes', 'long']),
      run(['test/proof/run.ts', '--part', '0']),
      run(['test/model/run.ts', '--tool', 'x', '--hops', '1']),
      run(['test/bench/run.ts', '--scenario', 'nothing']),
    ]);
    for (const { code, stderr, stdout } of refusals) {
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.doesNotMatch(stderr, /^ {4}at /m);
    }
    assert.match(refusals[0]?.stderr ?? '', /^--minutes needs a number from 0\.1 on, not "long"\n/);
  });
});
