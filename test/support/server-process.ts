/**
 * Parley as people run it: src/main.ts in a process of its own, with a configuration file in a folder
 * of its own. For what only a process can show: signals, exit codes, what is left running.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { compileCache } from './compile-cache.ts';
import { connect, type Client, type ConnectOptions } from './client.ts';
import { merge } from './merge.ts';
import { isAlive } from './mcp-servers.ts';

export interface ServerProcess {
  readonly pid: number;
  /** All that it wrote so far. */
  readonly output: { stdout: string; stderr: string };
  /** Settles with the WebSocket's address once it listens; rejects with what it said if it ends before. */
  readonly listening: Promise<string>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  connect(options?: ConnectOptions): Promise<Client>;
  kill(signal: NodeJS.Signals): void;
  /** Closes the pipes that it writes to. */
  closeOutput(): void;
}

export interface Home {
  /** Where the configuration and the database lie. */
  readonly folder: string;
  readonly database: string;
  start(options?: StartOptions): ServerProcess;
}

/** `env` and `uid` are the process's, `args` come behind `--config FILE`; without `readStderr` nobody reads its log. */
export interface StartOptions {
  env?: Record<string, string>;
  uid?: number;
  args?: readonly string[];
  readStderr?: boolean;
}

export interface HomeOptions {
  modelUrl?: string;
  mcpServers?: Record<string, unknown>;
  /** Any part of the configuration. */
  config?: Record<string, unknown>;
}

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** Every process that a test starts is killed, and the folder removed, when the test ends. */
export async function createHome(
  test: TestContext,
  { modelUrl, mcpServers = {}, config = {} }: HomeOptions = {},
): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-home-'));
  const children: ChildProcessWithoutNullStreams[] = [];
  test.after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  const llm =
    modelUrl === undefined
      ? { active: 'demo', demo: { chunk_delay_ms: 0 } }
      : { active: 'scripted', providers: { scripted: { base_url: modelUrl, model: 'scripted-model' } } };
  const defaults = {
    llm,
    chat: { websocket: { port: 0 } },
    repository: { path: 'events.db' },
    mcp: {
      config_file: 'servers.json',
      connection: { startup_wait: 10 },
      authorization: { credentials_file: 'credentials.json', callback_port: 0 },
    },
  };
  const settings = merge(defaults, config);
  // JSON is YAML.
  await writeFile(join(folder, 'config.yaml'), JSON.stringify(settings));
  await writeFile(join(folder, 'servers.json'), JSON.stringify({ mcpServers }));

  return {
    folder,
    database: join(folder, 'events.db'),
    start({ env = {}, uid, args = [], readStderr = true } = {}) {
      const child = spawn(process.execPath, [main, '--config', join(folder, 'config.yaml'), ...args], {
        cwd: folder,
        env: { PATH: process.env['PATH'], ...compileCache, ...env },
        ...(uid === undefined ? {} : { uid }),
      });
      children.push(child);
      const output = { stdout: '', stderr: '' };
      child.stdout.on('data', (data: Buffer) => (output.stdout += data.toString()));
      if (readStderr) child.stderr.on('data', (data: Buffer) => (output.stderr += data.toString()));
      const exited = once(child, readStderr ? 'close' : 'exit').then(() => ({
        code: child.exitCode,
        signal: child.signalCode,
      }));
      const listening = eventually(() => {
        if (child.exitCode !== null) throw new Error(`the server ended: ${output.stdout}${output.stderr}`);
        return /listens at (ws:\S+)/.exec(output.stdout)?.[1] ?? null;
      }, 'the server to listen').then((url) => url.replace(/localhost|0\.0\.0\.0/, '127.0.0.1'));
      // A test that expects a refusal does not ask.
      listening.catch(() => undefined);
      return {
        pid: child.pid ?? 0,
        output,
        listening,
        exited,
        connect: async (options) => connect(await listening, options),
        kill: (signal) => void child.kill(signal),
        closeOutput() {
          child.stdout.destroy();
          child.stderr.destroy();
        },
      };
    },
  };
}

const PATIENCE_MS = 60_000;

/** Resolves with what `look` finds, as soon as that is neither null nor false. */
export async function eventually<Found>(
  look: () => Found | null | false | Promise<Found | null | false>,
  what: string,
): Promise<Found> {
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await pause(20)) {
    const found = await look();
    if (found !== null && found !== false) return found;
  }
  throw new Error(`time ran out while waiting for ${what}`);
}

/** Resolves when none of these processes is left. */
export function allGone(pids: readonly number[]): Promise<true> {
  return eventually(() => !pids.some(isAlive), `the end of processes ${pids.join(', ')}`);
}

/** The processes that descend from this one, by their ids. */
export async function descendants(pid: number): Promise<number[]> {
  const children = (await processes()).filter((each) => each.parent === pid).map((each) => each.pid);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

/** The processes whose command line has this text in it. */
export async function mentioning(text: string): Promise<number[]> {
  return (await processes()).filter((each) => each.command.includes(text)).map((each) => each.pid);
}

async function processes(): Promise<{ pid: number; parent: number; command: string }[]> {
  const ps = spawn('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  let listed = '';
  ps.stdout.on('data', (data: Buffer) => (listed += data.toString()));
  await once(ps, 'close');
  return [...listed.matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm)].map(([, pid, parent, command = '']) => ({
    pid: Number(pid),
    parent: Number(parent),
    command,
  }));
}
