/** Starts the server of a soak run in a process of its own, and looks at it from outside. Linux only: it reads /proc. */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../../src/cli/check.ts';
import { usageOf } from '../bench/process-tree.ts';
import { urlIn } from '../bench/subjects.ts';
import type { Children } from '../bench/children.ts';
import { compileCache } from '../support/compile-cache.ts';
import { readMetrics } from '../support/metrics.ts';
import type { Sample } from './slopes.ts';

export interface SoakServer {
  readonly url: string;
  sample(): Promise<Omit<Sample, 'minutes'>>;
  stop(): Promise<void>;
  /** What `check` says of the database, after the stop. */
  audit(): { lines: readonly string[]; isClean: boolean };
}

const MIB = 1024 * 1024;
const file = (...path: string[]) => join(import.meta.dirname, '..', ...path);

/** With its shipping limits. Only conversations leave memory sooner, and old messages leave the log. */
export async function startSoakServer(children: Children, folder: string, modelUrl: string): Promise<SoakServer> {
  const database = join(folder, 'events.db');
  const config = {
    llm: { active: 'scripted', providers: { scripted: { base_url: modelUrl, model: 'scripted-model' } } },
    chat: { service: { idle_timeout: 5 }, websocket: { host: '127.0.0.1', port: 0 } },
    repository: {
      path: database,
      persistence: { retention_policy: 'message_count', max_messages_per_conversation: 20 },
    },
    mcp: { config_file: join(folder, 'servers.json'), connection: { startup_wait: 10, tools_wait: 60 } },
    logging: { level: 'error', format: 'json' },
  };
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config));
  const demo = { command: process.execPath, args: [file('..', 'src', 'demo', 'mcp-server.ts')], env: compileCache };
  writeFileSync(join(folder, 'servers.json'), JSON.stringify({ mcpServers: { demo } }));
  const args = [file('..', 'src', 'main.ts'), '--config', join(folder, 'config.yaml')];
  // As run.sh and the container start it.
  const child = await children.start(args, join(folder, 'stderr.log'), { MALLOC_MMAP_THRESHOLD_: '1048576' });
  const url = urlIn(child);

  return {
    url,
    async sample() {
      const metrics = await readMetrics(url);
      const mebibytes = (name: string) => (metrics.get(`parley_nodejs_${name}_bytes`) ?? Number.NaN) / MIB;
      return {
        rssMiB: usageOf(child.pid).rssBytes / MIB,
        heapMiB: mebibytes('heap_size_used'),
        externalMiB: mebibytes('external_memory'),
        descriptors: readdirSync(`/proc/${child.pid}/fd`).length,
        files: readdirSync(folder).length,
        databaseMiB: (sizeOf(database) + sizeOf(`${database}-wal`)) / MIB,
      };
    },
    stop: child.stop,
    audit() {
      const { lines, exitCode } = check(database);
      return { lines: [...lines], isClean: exitCode === 0 };
    },
  };
}

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
