/** Checks the README's client: it runs as it is written there, prints what is written there, and says in one sentence what goes wrong. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { configSchema } from '../../src/config/schema/schema.ts';
import { startModelServer } from '../support/model/server.ts';
import { fails } from '../support/model/replies.ts';
import { demoServer, startParley, type Parley, type ParleyOptions } from '../support/parley.ts';

const project = join(import.meta.dirname, '..', '..');
const readme = readFileSync(join(project, 'README.md'), 'utf8');
/** The client, and right behind it what it prints. */
const [, client = '', output = ''] =
  /```js\n(.*?\n)```\n\n```sh\nnode client\.mjs\n```\n\n```\n(.*?\n)```\n/s.exec(readme) ?? [];
const [, text = '', url = ''] = /\[text = '(.+?)', url = '(.+?)'\]/.exec(client) ?? [];

/** A server whose folder looks like the project's to a script, with the client in it. */
async function prepare(t: TestContext, options: ParleyOptions = {}): Promise<Parley> {
  const parley = await startParley(t, options);
  await mkdir(join(parley.folder, 'src'));
  await symlink(join(project, 'src', 'client'), join(parley.folder, 'src', 'client'));
  await copyFile(join(project, 'src', 'node-client.mjs'), join(parley.folder, 'src', 'node-client.mjs'));
  await writeFile(join(parley.folder, 'client.mjs'), client);
  return parley;
}

interface Run {
  nodeOptions?: string[];
  env?: Record<string, string>;
}

async function run({ folder }: Parley, args: readonly string[], { nodeOptions = [], env = {} }: Run = {}) {
  const running = promisify(execFile)(process.execPath, [...nodeOptions, 'client.mjs', ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
  });
  const { stdout, stderr } = await running.catch((error: Error & { stdout: string; stderr: string }) => error);
  return { code: running.child.exitCode, stdout, stderr };
}

describe('the client of the README', () => {
  it('prints what the README says', async (t) => {
    const parley = await prepare(t, { mcpServers: demoServer });
    assert.deepEqual(await run(parley, [text, parley.url]), { code: 0, stdout: output, stderr: '' });
    const { port, endpoint } = configSchema.parse({}).chat.websocket;
    assert.equal(url, `ws://localhost:${port}${endpoint}`, 'the address of a server without a configuration');
    assert.ok(client.split('\n').filter((line) => line !== '').length <= 16, 'lines');
  });

  it('reports in one sentence what its provider refuses', async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    model.script(fails(401, 'no such key'));
    const parley = await prepare(t, { modelUrl: model.url, config: { llm: { retry: { attempts: 1 } } } });
    const { code, stderr } = await run(parley, ['Hi', parley.url]);
    assert.equal(code, 1);
    assert.match(stderr, /^Provider "scripted" rejected the request without an API key[^\n]*\n$/);
  });

  it('reports in one sentence that there is no server, that the path is wrong, and that the address is none', async (t) => {
    const parley = await prepare(t);
    const [gone, wrongPath, nonsense] = await Promise.all([
      run(parley, ['Hi', 'ws://127.0.0.1:9/ws/chat']),
      run(parley, ['Hi', parley.url.replace('/ws/chat', '/chat')]),
      run(parley, ['Hi', 'nonsense']),
    ]);
    for (const { code, stderr } of [gone, wrongPath]) {
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^No Parley server answers at ws:\S+ \(tried 5 times\)\. Start the server, or correct the address\.\n$/,
      );
    }
    assert.deepEqual(nonsense, {
      code: 1,
      stdout: '',
      stderr: '"nonsense" is not a WebSocket URL. Use a URL such as ws://localhost:8000/ws/chat.\n',
    });
  });

  it('sends the token of PARLEY_TOKEN, and reports in one sentence that it is missing or wrong', async (t) => {
    const token = createToken();
    const parley = await prepare(t, {
      config: { auth: { mode: 'token', tokens: [{ subject: 'alice', sha256: hashToken(token) }] } },
    });
    const [right, none, wrong, unsendable] = await Promise.all([
      run(parley, ['Hi', parley.url], { env: { PARLEY_TOKEN: token } }),
      run(parley, ['Hi', parley.url]),
      run(parley, ['Hi', parley.url], { env: { PARLEY_TOKEN: 'other' } }),
      run(parley, ['Hi', parley.url], { env: { PARLEY_TOKEN: 'two words' } }),
    ]);
    assert.equal(right.code, 0);
    for (const [{ code, stderr }, sentence] of [
      [none, /^This server requires a token\. [^\n]*\n$/],
      [wrong, /^The token is unknown\. [^\n]*\n$/],
      [unsendable, /^The token contains invalid characters\. [^\n]*\n$/],
    ] as const) {
      assert.equal(code, 1);
      assert.match(stderr, sentence);
    }
  });

  /** What an older Node has in common with this one without its TypeScript. */
  const old = { nodeOptions: ['--no-strip-types'] };

  it('runs under an older Node with the one that run.sh has installed', async (t) => {
    const parley = await prepare(t);
    const bin = join(parley.folder, '.node', 'node_modules', '.bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, 'node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
    const { code, stdout, stderr } = await run(parley, ['Hi there', parley.url], old);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /done: stop/);
    assert.equal((await run(parley, ['Hi', 'nonsense'], old)).code, 1, 'its exit code is passed on');
  });

  it('says under an older Node which one it needs', async (t) => {
    const parley = await prepare(t);
    const { code, stdout, stderr } = await run(parley, ['Hi', parley.url], old);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^Parley's client needs Node 22\.18 or newer, but this is Node [^\n]*\n$/);
  });
});
