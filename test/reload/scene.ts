/** Runs a server, rewrites its files, has it reload them and waits for the log line. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { createLiveSettings } from '../../src/config/live-settings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startServer, type Server } from '../../src/server.ts';
import { merge } from '../support/merge.ts';
import { eventually } from '../support/eventually.ts';
import {
  createTempHome,
  type TempHome,
  type TempHomeOptions,
  type ServerProcess,
  type StartOptions,
} from '../support/temp-home.ts';

/** A line of the server's log. */
export interface LogLine extends Record<string, unknown> {
  msg: string;
}

export interface Reloadable {
  readonly url: string;
  readonly folder: string;
  /** The configuration's file, as an object: what is changed here is written by the next `reload`. */
  readonly config: Record<string, unknown>;
  /** The entries of the servers' file, likewise. */
  mcpServers: Record<string, unknown>;
  /** Merges `changes` into the configuration, writes both files, reloads them, and resolves with the line that says what came of it. */
  reload(changes?: Record<string, unknown>): Promise<LogLine>;
  /** The same for a file with this text. */
  reloadText(text: string): Promise<LogLine>;
  /** Reloads the files as they are, and resolves with the next line about a reload. */
  reloadFiles(): Promise<LogLine>;
  /** The log so far. */
  lines(): LogLine[];
  http(path: string): Promise<string>;
}

/** A server in a process of its own. */
export interface ReloadableProcess extends Reloadable {
  readonly parley: ServerProcess;
}

const isAnswer = ({ msg }: LogLine) => /^configuration reloaded|^reload /.test(msg);

/** What a scene needs of its server, in this process or in another one. */
interface Reloading {
  readonly url: string;
  /** Begins a reload. */
  reload(): void;
  /** The log so far, a JSON object a line. */
  log(): string;
}

/** Creates the files, the first ones of a server that `start` starts. */
async function createScene<T extends Reloading>(
  t: TestContext,
  options: TempHomeOptions,
  start: (home: TempHome) => Promise<T>,
): Promise<{ scene: Reloadable; server: T }> {
  const home = await createTempHome(t, {
    ...options,
    // Only `reload` reloads, so that each line of the log has one cause.
    config: merge({ logging: { format: 'json' }, mcp: { watch_config_file: false } }, options.config ?? {}),
  });
  const { folder } = home;
  const stated: Record<string, unknown> = JSON.parse(await readFile(join(folder, 'config.yaml'), 'utf8'));
  const server = await start(home);
  let answered = 0;

  const lines = () =>
    server
      .log()
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line): LogLine => JSON.parse(line));
  const answers = () => lines().filter(isAnswer);
  const scene: Reloadable = {
    url: server.url,
    folder,
    config: stated,
    mcpServers: options.mcpServers ?? {},
    async reload(changes = {}) {
      Object.assign(stated, merge(stated, changes));
      await writeFile(join(folder, 'servers.json'), JSON.stringify({ mcpServers: scene.mcpServers }));
      return scene.reloadText(JSON.stringify(stated));
    },
    async reloadText(text) {
      await writeFile(join(folder, 'config.yaml'), text);
      return scene.reloadFiles();
    },
    async reloadFiles() {
      answered = answers().length + 1;
      server.reload();
      return eventually(() => answers()[answered - 1] ?? null, 'the line about the reload');
    },
    lines,
    http: async (path) => (await fetch(new URL(path, server.url.replace('ws:', 'http:')))).text(),
  };
  return { scene, server };
}

/** Starts a server in this process, which costs a fifth of a process of its own, and resolves when it listens. */
export async function startReloadable(t: TestContext, options: TempHomeOptions = {}): Promise<Reloadable> {
  // A test may leave a turn that never ends.
  const config = merge({ shutdown: { drain_timeout: 0 } }, options.config ?? {});
  let running: Server | null = null;
  // Registered before the removal of the folder, so that it runs before.
  t.after(() => running?.close());
  const { scene } = await createScene(t, { ...options, config }, async ({ folder }) => {
    const projectDirectory = join(import.meta.dirname, '..', '..');
    const source = { file: 'config.yaml', env: {}, cwd: folder, projectDirectory };
    const readConfig = async () => (await loadConfig(source)).config;
    const settings = createLiveSettings(await readConfig());
    let log = '';
    const server = await startServer({
      settings,
      readConfig,
      version: 'test',
      env: {},
      log: pino({ level: settings.current().logging.level }, { write: (line) => void (log += line) }),
    });
    running = server;
    return {
      url: server.summary.url.replace('localhost', '127.0.0.1'),
      reload: () => void server.reload(),
      log: () => log,
    };
  });
  return scene;
}

/** Starts a server in a process of its own, which SIGHUP reloads, and resolves when it listens. */
export async function startReloadableProcess(
  t: TestContext,
  options: TempHomeOptions = {},
  start: StartOptions = {},
): Promise<ReloadableProcess> {
  const { scene, server } = await createScene(t, options, async (home) => {
    const parley = home.start(start);
    return {
      parley,
      url: await parley.listening,
      reload: () => parley.kill('SIGHUP'),
      log: () => parley.output.stderr,
    };
  });
  return Object.assign(scene, { parley: server.parley });
}
