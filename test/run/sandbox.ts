/**
 * Builds a machine for run.sh in a folder of its own: a copy of run.sh beside a stand-in for the project, and a PATH
 * with the tools of any Unix and stand-ins for `node` and `npm`. Nothing uses the network or the real project's
 * packages.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';

const project = join(import.meta.dirname, '..', '..');

/** All programs that run.sh needs beside Node and npm. */
export const tools = ['bash', 'cat', 'cksum', 'dirname', 'ln', 'mkdir', 'readlink', 'rm', 'sh', 'sleep', 'uname'];

const [forLinux = 'none', forMac = 'none'] = [
  ...(await readFile(join(project, 'run.sh'), 'utf8')).matchAll(/node_version=([\d.]+)/g),
].map(([, version]) => version);

/** The version of Node that run.sh installs on machines with an older one. */
export const installedVersion = process.platform === 'darwin' ? forMac : forLinux;

/** A finished run of run.sh. */
export interface Run {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Sandbox {
  /** The folder of run.sh and package-lock.json. */
  root: string;
  /** Another folder, in which run.sh is started. */
  workingFolder: string;
  /** Replaces the stand-in by the project's own src/main.ts. */
  useRealServer(): Promise<void>;
  /** Puts a command on the PATH, in place of one of that name. */
  command(name: string, script: string): Promise<void>;
  run(args?: string[], env?: Record<string, string>): Promise<Run>;
  /** Starts run.sh; the end of the test stops it. */
  start(args?: string[]): ChildProcess;
  /** Calls of npm that install or run something: the version of Node, NODE_ENV and the arguments of each. */
  npmCalls(): Promise<string[]>;
}

/** The stand-in for src/main.ts: prints its arguments and environment, and stays running if asked to. */
const main = `
const { NODE_IS: node, NODE_COMPILE_CACHE: cache } = process.env;
console.log(JSON.stringify({ node, args: process.argv.slice(2), cwd: process.cwd(), cache, pid: process.pid }));
if (process.argv.includes('stay')) setInterval(() => {}, 1000);
if (process.argv.includes('fail')) process.exitCode = 7;
`;

/** A stand-in for Node that prints `version` and runs programs with the Node of this test. */
function nodeScript(version: string): string {
  return `if [ "$1" = --version ]; then echo v${version}; else NODE_IS=${version} exec "${process.execPath}" "$@"; fi`;
}

/** A stand-in for npm that does what run.sh needs at once, and records its calls. */
function npmScript(folder: string): string {
  return `
if [ "$1" = config ]; then echo "$HOME/.npm"; exit; fi
echo "$(node --version) NODE_ENV=$NODE_ENV $*" >>"${folder}/npm-calls"
echo 'added some packages'
case "$1 $2" in
  'install --prefix') mkdir -p "$3/node_modules/.bin" && ln -s "${folder}/brought-node" "$3/node_modules/.bin/node" ;;
  'ci '*) rm -rf node_modules && mkdir node_modules ;;
  'run '*) echo "ran $2 in $PWD" ;;
esac`;
}

/** Builds a machine with npm, and with a Node of this version; null means without Node. */
export async function createSandbox(t: TestContext, nodeVersion: string | null): Promise<Sandbox> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'parley-run-')));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [root, bin, elsewhere] = [join(folder, 'the project'), join(folder, 'bin'), join(folder, 'elsewhere')];
  for (const path of [root, join(root, 'src'), bin, elsewhere]) await mkdir(path);
  for (const file of ['run.sh', 'package-lock.json']) await copyFile(join(project, file), join(root, file));
  await writeFile(join(root, 'src', 'main.ts'), main);
  for (const tool of tools) await symlink(find(tool), join(bin, tool));

  const script = (path: string, text: string) => writeFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await script(join(folder, 'brought-node'), nodeScript(installedVersion));
  await script(join(bin, 'npm'), npmScript(folder));
  if (nodeVersion !== null) await script(join(bin, 'node'), nodeScript(nodeVersion));

  const start = (args: string[] = [], env: Record<string, string> = {}) =>
    spawn(join(root, 'run.sh'), args, { cwd: elsewhere, env: { PATH: bin, HOME: folder, ...env } });
  return {
    root,
    workingFolder: elsewhere,
    useRealServer() {
      const real = pathToFileURL(join(project, 'src', 'main.ts')).href;
      return writeFile(join(root, 'src', 'main.ts'), `await import(${JSON.stringify(real)});`);
    },
    async command(name, text) {
      // A tool on this PATH is a link to the machine's own, which must not be written.
      await rm(join(bin, name), { force: true });
      await script(join(bin, name), text);
    },
    async run(args, env) {
      const child = start(args, env);
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      await once(child, 'close');
      return { code: child.exitCode, signal: child.signalCode, stdout, stderr };
    },
    start(args) {
      const child = start(args);
      t.after(() => child.kill('SIGKILL'));
      return child;
    },
    async npmCalls() {
      const calls = await readFile(join(folder, 'npm-calls'), 'utf8').catch(() => '');
      return calls.split('\n').filter((line) => line !== '');
    },
  };
}

/** The path of a tool on this machine. Throws if there is none. */
export function find(tool: string): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const path = folders.map((folder) => join(folder, tool)).find((path) => existsSync(path));
  if (path === undefined) throw new Error(`This machine has no ${tool}, which run.sh needs`);
  return path;
}
