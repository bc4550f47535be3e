/**
 * Runs run.sh with the real npm on a machine that has nothing else: no Python, no make, no compiler.
 * Asks npm's registry, and is skipped where that does not answer, except on CI.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { connect } from '../../src/client/client.ts';
import { playsAll, sharedOut } from '../support/day.ts';
import { createBareMachine, type BareMachine } from './bare-machine.ts';

const installs = 'parley: installing the packages of package-lock.json into node_modules/\n';
const adds = 'parley: adding the development packages of package-lock.json to node_modules/\n';

/** A part of the tests: a process of its own, and the whole server with its database and client. */
const testFiles = ['test/mcp/demo-server.test.ts', 'test/docs/readme.test.ts'];
/** Shows that the copy's tests were run, whatever the runner prints. */
const witness = `import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

test('is run', () => writeFileSync('tests-were-run', ''));
`;

const example = 'test/model/example/library';
const ownFlow = ['model', '--config', `${example}.yaml`, '--flows', `${example}.flows.yaml`, '--only', 'two books'];

/** An install from a registry, on a busy machine. */
const timeout = 900_000;
const MiB = 2 ** 20;

/** Ends the test, or on CI fails it, where there is no registry to install from. */
function skipsWithout({ unreachable }: BareMachine, t: TestContext): boolean {
  if (unreachable === null) return false;
  assert.notEqual(process.env['CI'], 'true', unreachable);
  t.skip(unreachable);
  return true;
}

const otherUser = 65_534;
const users = [
  { name: 'the current user', uid: undefined, skip: false },
  {
    name: 'another user, who has no home',
    uid: otherUser,
    skip: process.getuid?.() === 0 ? false : 'only root can become another user',
  },
] as const;

/** Each user installs twice in a whole run: for use, and for the tests. A usual run plays one of these. */
const notToday = sharedOut(2 * users.filter(({ skip }) => skip === false).length);

describe('a machine with bash, coreutils and Node with npm', () => {
  for (const [at, { name, uid, skip }] of users.entries()) {
    const options = { testFiles, ...(uid === undefined ? {} : { uid }) };

    test(
      `installs for use, serves, and works on the database as ${name}`,
      { timeout, skip: skip || notToday(2 * at) },
      async (t) => {
        const machine = await createBareMachine(t, options);
        if (skipsWithout(machine, t)) return;
        const { root, run } = machine;
        const { code, stdout, stderr } = await run('./run.sh', '--version');
        assert.deepEqual([code, stderr], [0, installs]);
        assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
        assert.ok(!existsSync(join(root, 'node_modules', 'typescript')), 'no package of development');
        await serves(machine);
        for (const command of [['check'], ['replay', 'c1'], ['backup', 'copy.db'], ownFlow]) {
          const { code, stdout, stderr } = await run('./run.sh', ...command);
          assert.deepEqual([code, stderr], [0, ''], `${command.join(' ')}: ${stdout}`);
        }
        if (!playsAll) return;
        assert.ok((await tests(machine)).startsWith(adds));
        // Nor is anything installed for use once all is there.
        assert.equal((await run('./run.sh', '--version')).stderr, '');
      },
    );

    test(
      `installs for the tests, and runs them, as ${name}`,
      { timeout, skip: skip || notToday(2 * at + 1) },
      async (t) => {
        const machine = await createBareMachine(t, options);
        if (skipsWithout(machine, t)) return;
        assert.ok((await tests(machine)).startsWith(installs));
        assert.equal((await machine.run('./run.sh', '--version')).stderr, '', 'serves for use too');
      },
    );
  }

  test(
    'with an older Node is brought a newer one, without what compilers need',
    { timeout, skip: !playsAll && 'played by --all' },
    async (t) => {
      const machine = await createBareMachine(t, { claimedNode: '20.20.2' });
      if (skipsWithout(machine, t)) return;
      const { root, run } = machine;
      const { code, stderr } = await run('./run.sh', '--version');
      assert.equal(code, 0, stderr);
      assert.match(
        stderr,
        /^parley: bringing Node \S+ into \.node\/, because this machine has v20\.20\.2\n.*node_modules\/\n$/,
      );
      assert.match((await run(join(root, '.node', 'node_modules', '.bin', 'node'), '--version')).stdout, /^v2[46]\./);
      assert.ok((await sizeOf(join(root, '.node'))) < 140 * MiB);
      assert.ok((await sizeOf(join(root, 'node_modules'))) < 160 * MiB);
    },
  );
});

/** Runs `./run.sh test` over types, style and a few test files; resolves with what it said on stderr. */
async function tests({ root, run }: BareMachine): Promise<string> {
  await writeFile(join(root, 'test', 'run', 'witness.test.ts'), witness);
  const { code, stdout, stderr } = await run('./run.sh', 'test');
  assert.equal(code, 0, stdout + stderr);
  assert.ok(existsSync(join(root, 'tests-were-run')));
  return stderr;
}

/** Starts the server as it is delivered, lets it use a tool, and stops it. */
async function serves({ root, start }: BareMachine): Promise<void> {
  const server = start('./run.sh', '--port', '0');
  let said = '';
  server.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const url = await new Promise<string>((found, failed) => {
    let announced = '';
    server.stdout?.on('data', (chunk: Buffer) => {
      announced += chunk.toString();
      const [address] = /ws:\/\/\S+/.exec(announced) ?? [];
      if (address !== undefined) found(address);
    });
    server.once('close', () => failed(new Error(said)));
  });
  const client = connect(url);
  const turn = client.chat('add 2 and 3', { conversationId: 'c1' });
  let text = '';
  for await (const { type, data } of turn) if (type === 'text') text += data;
  client.close();
  assert.match(text, /: 5/);
  server.kill('SIGTERM');
  await once(server, 'close');
  assert.equal(server.exitCode, 0, said);
  assert.ok(existsSync(join(root, 'events.db')));
}

async function sizeOf(folder: string): Promise<number> {
  let size = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) size += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return size;
}
