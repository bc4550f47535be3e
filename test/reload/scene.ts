/** Runs a server in its own process, rewrites its files, sends SIGHUP and waits for the log line. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { merge } from '../support/merge.ts';
import { eventually } from '../support/eventually.ts';
import { createTempHome, type TempHomeOptions, type ServerProcess, type StartOptions } from '../support/temp-home.ts';

/** A line of the server's log. */
export interface LogLine extends Record<string, unknown> {
  msg: string;
}

export interface Reloadable {
  readonly parley: ServerProcess;
  readonly folder: string;
  /** The configuration's file, as an object: what is changed here is written by the next `reload`. */
  readonly config: Record<string, unknown>;
  /** The entries of the servers' file, likewise. */
  mcpServers: Record<string, unknown>;
  /** Merges `changes` into the configuration, writes both files, sends SIGHUP, and resolves with the line that says what came of it. */
  reload(changes?: Record<string, unknown>): Promise<LogLine>;
  /** The same for a file with this text. */
  reloadText(text: string): Promise<LogLine>;
  /** Sends SIGHUP and resolves with the next line about a reload. */
  hangUp(): Promise<LogLine>;
  /** The log so far. */
  lines(): LogLine[];
  http(path: string): Promise<string>;
}

const isAnswer = ({ msg }: LogLine) => /^configuration reloaded|^reload /.test(msg);

/** Starts it, and resolves when it listens. */
export async function startReloadable(
  t: TestContext,
  options: TempHomeOptions = {},
  start: StartOptions = {},
): Promise<Reloadable> {
  const home = await createTempHome(t, {
    ...options,
    // Only the signal reloads, so that each line of the log has one cause.
    config: merge({ logging: { format: 'json' }, mcp: { watch_config_file: false } }, options.config ?? {}),
  });
  const { folder } = home;
  const parley = home.start(start);
  const stated: Record<string, unknown> = JSON.parse(await readFile(join(folder, 'config.yaml'), 'utf8'));
  const url = await parley.listening;
  let answered = 0;

  const lines = () =>
    parley.output.stderr
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line): LogLine => JSON.parse(line));
  const answers = () => lines().filter(isAnswer);
  const scene: Reloadable = {
    parley,
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
      return scene.hangUp();
    },
    async hangUp() {
      answered = answers().length + 1;
      parley.kill('SIGHUP');
      return eventually(() => answers()[answered - 1] ?? null, 'the answer to SIGHUP');
    },
    lines,
    http: async (path) => (await fetch(new URL(path, url.replace('ws:', 'http:')))).text(),
  };
  return scene;
}
