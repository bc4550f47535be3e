/** Checks `test/runner.ts` in a project of its own: the files that it runs, and the exit code for each outcome. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

const files = {
  'store/append.test.ts': "import { test } from 'node:test'; test('appends', () => {});",
  'llm/line.test.ts': "import { test } from 'node:test'; test('waits', () => {});",
  'llm/broken.test.ts': "import { test } from 'node:test'; test('breaks', () => { throw new Error('broken'); });",
};

async function createProject(t: TestContext) {
  const project = await mkdtemp(join(tmpdir(), 'parley-runner-'));
  t.after(() => rm(project, { recursive: true, force: true }));
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(project, 'test', file)), { recursive: true });
    await writeFile(join(project, 'test', file), text);
  }
  await copyFile(join(import.meta.dirname, '..', 'runner.ts'), join(project, 'test', 'runner.ts'));
  await symlink(join(import.meta.dirname, '..', 'support'), join(project, 'test', 'support'));

  return async (...args: string[]) => {
    // With this variable Node's runner would act as a part of the running test run.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawn(process.execPath, [join(project, 'test', 'runner.ts'), ...args], { env });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
    const [code] = await once(child, 'close');
    return { code, output };
  };
}

test('the runner runs the files of a folder, and reports that they passed', async (t) => {
  const { code, output } = await (await createProject(t))('store');
  assert.equal(code, 0, output);
  assert.match(output, /✔ appends[^]*tests 1\n[^]*pass 1\n/);
});

test('the runner runs every file without a name, and fails if one fails', async (t) => {
  const { code, output } = await (await createProject(t))();
  assert.equal(code, 1);
  assert.match(output, /✔ appends[^]*tests 3\n[^]*pass 2\n[^]*fail 1\n[^]*✖ breaks[^]*Error: broken/);
});

test('the runner accepts several parts of paths', async (t) => {
  const { code, output } = await (await createProject(t))('llm/line', 'append');
  assert.equal(code, 0, output);
  assert.match(output, /tests 2\n/);
});

test('the runner refuses a name that no file has, and an unknown option', async (t) => {
  const run = await createProject(t);
  const usage = 'Usage: node test/runner.ts [--all] [NAME...]\n';
  assert.deepEqual(await run('store', 'stroe'), {
    code: 2,
    output: `no test file has "stroe" in its path\n\n${usage}`,
  });
  assert.deepEqual(await run('--al'), { code: 2, output: `--al is not a known flag; did you mean --all?\n\n${usage}` });
});
