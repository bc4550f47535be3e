/**
 * Checks the Dockerfile without Docker: its sources exist and reach the build, its packages are those of the server, and its
 * command, health check and stop signal work in a folder that has only what it copies.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { compileCache } from '../support/compile-cache.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../support/server-process.ts';

const project = join(import.meta.dirname, '..', '..');
const read = (name: string) => readFileSync(join(project, name), 'utf8');
const instructions = read('Dockerfile')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const argumentsOf = (name: string) =>
  instructions.flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : []));
const sources = argumentsOf('COPY').flatMap((line) => line.split(' ').slice(0, -1));

/** The words of an instruction in its JSON form, such as `CMD ["node"]`. */
function wordsOf(text: string): string[] {
  const words: unknown = JSON.parse(text.slice(text.indexOf('[')));
  assert.ok(Array.isArray(words));
  return words.map(String);
}

/** A folder with what the image has, the packages linked. */
async function createImageFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-image-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const source of sources) await cp(join(project, source), join(folder, source), { recursive: true });
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

describe('the Dockerfile', () => {
  it('copies files that exist and that .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    assert.deepEqual(
      sources.filter((source) => !existsSync(join(project, source)) || !allowed.includes(source)),
      [],
    );
    assert.deepEqual(allowed.toSorted(), sources.toSorted());
  });

  it('installs the packages of the server without scripts, on the Node that package.json asks for', () => {
    assert.ok(argumentsOf('RUN').some((line) => line.startsWith('npm ci --omit=dev --ignore-scripts')));
    const { engines }: { engines: { node: string } } = JSON.parse(read('package.json'));
    const [image = ''] = argumentsOf('FROM');
    assert.equal(`>=${/^node:(\d+)-slim$/.exec(image)?.[1]}`, engines.node);
  });

  it('runs as a user without rights', () => assert.deepEqual(argumentsOf('USER'), ['node']));

  it('has a command, a health check and a stop signal that work', async (t) => {
    const folder = await createImageFolder(t);
    const port = await freePort();
    const local = (words: string[]) =>
      words.map((word) => word.replace('8000', String(port)).replace('/etc/parley.yaml', join(folder, 'parley.yaml')));
    await writeFile(
      join(folder, 'parley.yaml'),
      `chat: { websocket: { port: ${port} } }\nrepository: { path: ${folder}/events.db }\n`,
    );
    const [, ...probe] = local(wordsOf(argumentsOf('HEALTHCHECK')[0] ?? ''));
    assert.equal(spawnSync(process.execPath, probe).status, 1, 'nothing listens yet');
    const [command = '', ...args] = local(wordsOf(argumentsOf('CMD')[0] ?? ''));
    assert.equal(command, 'node');
    const server = spawn(process.execPath, args, {
      cwd: folder,
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...compileCache },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.after(() => void server.kill('SIGKILL'));
    let printed = '';
    server.stdout.on('data', (data: Buffer) => (printed += data.toString()));
    await eventually(() => printed.includes('listens at'), 'the server to listen');
    assert.equal(spawnSync(process.execPath, probe).status, 0);
    const [signal = ''] = argumentsOf('STOPSIGNAL');
    assert.equal(signal, 'SIGTERM');
    server.kill('SIGTERM');
    assert.deepEqual(await once(server, 'exit'), [0, null]);
  });
});
