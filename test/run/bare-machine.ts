/**
 * Builds a machine with bash, coreutils, Node and npm, and without a compiler: a copy of the project in a folder whose
 * name has a space, and a PATH that is a folder of links. npm uses the registry that is configured on this machine.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  copyFile,
  cp,
  lchown,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { z } from 'zod';
import { find, tools, type Run } from './sandbox.ts';

const project = join(import.meta.dirname, '..', '..');

/** The settings of npm that lead to the registry. */
const settingsSchema = z.record(z.string(), z.unknown());
const wayToRegistry = ['registry', 'cafile', 'proxy', 'https-proxy', 'noproxy', 'strict-ssl'];
const passedOn = /^(https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_(file|dir))$/i;

export interface BareMachineOptions {
  /** Another user without a home folder. Without it the current one, with npm's own cache. */
  uid?: number;
  /** The version that `node --version` prints. */
  claimedNode?: string;
  /** The tests in the copy of the project, relative to its folder. */
  testFiles?: readonly string[];
}

export interface BareMachine {
  /** The folder of the copy. */
  root: string;
  /** A sentence if npm gets no answer from its registry, else null. */
  unreachable: string | null;
  /** Runs a command in the copy to its end. */
  run(command: string, ...args: string[]): Promise<Run>;
  /** Starts a command in the copy; the end of the test stops it. */
  start(command: string, ...args: string[]): ChildProcess;
}

/** Builds the machine in a folder that is removed with the test. */
export async function createBareMachine(
  t: TestContext,
  { uid, claimedNode, testFiles = [] }: BareMachineOptions = {},
): Promise<BareMachine> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'parley-bare-')));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const [root, bin] = [join(folder, 'the project'), join(folder, 'bin')];
  await mkdir(bin);
  for (const tool of ['env', ...tools]) await symlink(find(tool), join(bin, tool));
  const node = await forEveryone(await realpath(process.execPath), folder);
  if (claimedNode === undefined) await symlink(node, join(bin, 'node'));
  else
    await writeFile(
      join(bin, 'node'),
      `#!/bin/sh\nif [ "$1" = --version ]; then echo v${claimedNode}; else exec "${node}" "$@"; fi\n`,
      { mode: 0o755 },
    );
  await symlink(
    await forEveryone(await realpath(process.env['npm_execpath'] ?? find('npm')), folder),
    join(bin, 'npm'),
  );
  await copyProject(root, testFiles);
  if (uid !== undefined) await giveTo(uid, folder);

  const env = {
    PATH: bin,
    ...(await registryEnv()),
    ...(uid === undefined ? { HOME: process.env['HOME'] } : { HOME: join(folder, 'missing') }),
  };
  const start = (command: string, ...args: string[]) => {
    const child = spawn(command, args, { cwd: root, env, ...(uid === undefined ? {} : { uid, gid: uid }) });
    t.after(() => child.kill('SIGKILL'));
    return child;
  };
  const run = async (command: string, ...args: string[]) => {
    const child = start(command, ...args);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, 'close');
    return { code: child.exitCode, signal: child.signalCode, stdout, stderr };
  };
  const asked = await run(
    'npm',
    'view',
    'ws',
    'version',
    '--fetch-retries=0',
    '--fetch-timeout=20000',
    '--cache',
    join(root, '.node', 'asked'),
  );
  const unreachable =
    asked.code === 0
      ? null
      : `npm gets no answer from its registry: ${asked.stderr.trim().split('\n').slice(0, 3).join(' ')}`;
  return { root, unreachable, run, start };
}

/** Copies the files of a checkout, with only these tests. */
async function copyProject(root: string, testFiles: readonly string[]): Promise<void> {
  const left = new Set(['.git', '.node', 'node_modules']);
  const isCopied = (path: string) => {
    const name = relative(project, path);
    if (left.has(name) || /^events\.db|^\.?credentials/.test(name)) return false;
    return !name.endsWith('.test.ts') || testFiles.includes(name);
  };
  await cp(project, root, { recursive: true, filter: isCopied });
}

async function registryEnv(): Promise<Record<string, string>> {
  const { stdout } = await promisify(execFile)('npm', ['config', 'list', '--json'], { cwd: project });
  const settings = settingsSchema.parse(JSON.parse(stdout));
  const ofNpm = wayToRegistry.flatMap((name) => {
    const value = settings[name];
    return value === undefined || value === null || value === ''
      ? []
      : [[`npm_config_${name.replace('-', '_')}`, String(value)] as const];
  });
  const ofNode = Object.entries(process.env).flatMap(([name, value]) =>
    passedOn.test(name) && value !== undefined ? [[name, value] as const] : [],
  );
  return Object.fromEntries([...ofNode, ...ofNpm]);
}

/** Links to a program of this machine, or copies it if its folder is closed to other users, such as root's home. */
async function forEveryone(program: string, folder: string): Promise<string> {
  if (await isOpen(program)) return program;
  if (!program.endsWith('npm-cli.js')) {
    await copyFile(program, join(folder, basename(program)));
    return join(folder, basename(program));
  }
  await cp(dirname(dirname(program)), join(folder, 'npm'), { recursive: true });
  return join(folder, 'npm', 'bin', basename(program));
}

async function isOpen(path: string): Promise<boolean> {
  const above = dirname(path);
  const { mode } = await stat(path);
  return (mode & 0o001) !== 0 && (above === path || (await isOpen(above)));
}

async function giveTo(uid: number, folder: string): Promise<void> {
  await chmod(folder, 0o755);
  await lchown(folder, uid, uid);
  for (const entry of await readdir(folder, { recursive: true })) await lchown(join(folder, entry), uid, uid);
}
