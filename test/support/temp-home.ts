/**
 * Runs src/main.ts in a process of its own, with a configuration file in a temporary folder. For behaviour that only a
 * process shows: signals, exit codes, processes left over.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { compileCache } from './compile-cache.ts';
import { connect, type Client, type ConnectOptions } from './client.ts';
import { eventually } from './eventually.ts';
import { merge } from './merge.ts';
import { startModelServer, type ModelServer } from './model/server.ts';
import { patientMcp, patientSockets } from './patient-timeouts.ts';

export interface ServerProcess {
  readonly pid: number;
  /** All output so far. */
  readonly output: { stdout: string; stderr: string };
  /** Resolves with the WebSocket URL once the server listens. Rejects with its output if it ends before. */
  readonly listening: Promise<string>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  connect(options?: ConnectOptions): Promise<Client>;
  kill(signal: NodeJS.Signals): void;
  /** Closes the test's end of the output pipes. */
  closeOutput(): void;
}

export interface TempHome {
  /** The folder of the configuration and the database. */
  readonly folder: string;
  readonly database: string;
  start(options?: StartOptions): ServerProcess;
}

/**
 * `env` and `uid` are the process's; `args` follow `--config FILE`. Without `readStderr` the test does not read the
 * log.
 */
export interface StartOptions {
  env?: Record<string, string>;
  uid?: number;
  args?: readonly string[];
  readStderr?: boolean;
}

export interface TempHomeOptions {
  modelUrl?: string;
  mcpServers?: Record<string, unknown>;
  /** Any part of the configuration. */
  config?: Record<string, unknown>;
}

/** Runs `cleanUp` when the test, or the program that measures, ends. */
export interface CleanUpScope {
  after(cleanUp: () => Promise<void>): void;
}

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/**
 * Creates a folder in which server processes can be started. When the test ends, they are killed and the folder is
 * removed.
 */
export async function createTempHome(
  test: CleanUpScope,
  { modelUrl, mcpServers = {}, config = {} }: TempHomeOptions = {},
): Promise<TempHome> {
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
    chat: { websocket: { ...patientSockets, port: 0 } },
    repository: { path: 'events.db' },
    mcp: {
      config_file: 'servers.json',
      connection: { ...patientMcp, startup_wait: 10, tools_wait: 60 },
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
      // A test that expects a failed start does not await this.
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

/**
 * Starts a scripted model and creates a folder for server processes that use it. When the test ends, the histories that
 * the model received must be valid.
 */
export async function createScriptedTempHome(
  test: TestContext,
  options: Omit<TempHomeOptions, 'modelUrl'> = {},
): Promise<{ model: ModelServer; home: TempHome }> {
  const model = await startModelServer();
  const home = await createTempHome(test, { ...options, modelUrl: model.url });
  test.after(async () => {
    await model.close();
    assert.deepEqual(model.violations, [], 'the model got an invalid history');
  });
  return { model, home };
}
