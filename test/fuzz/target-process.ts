/**
 * The server under attack: the one that ships, in a process of its own, with every limit as it ships and only
 * its times shortened, so that what it lets go of is gone while one looks. Linux only: it reads /proc.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { check } from '../../src/cli/check.ts';
import type { Child, Children } from '../bench/children.ts';
import type { MemoryQuestion } from '../bench/probe.ts';
import { usageOf } from '../bench/process-tree.ts';
import { urlIn } from '../bench/subjects.ts';
import { compileCache } from '../support/compile-cache.ts';
import { readMetrics } from '../support/metrics.ts';
import { eventually } from '../support/server-process.ts';
import { authOf, type Passes } from './passes.ts';
import { scriptedCall } from './script.ts';

export interface TargetProcess {
  readonly url: string;
  /** Resolves when that is all there is, no turn runs and no conversation is in memory; rejects when it takes too long. */
  atRest(left: { connections: number; descriptors: number }): Promise<void>;
  /** After a collection that gives back all it can; rejects with its last words when the server is gone. */
  measure(): Promise<Measured>;
  /** Entries of its log that no client may bring about. */
  faults(): string[];
  stop(): Promise<void>;
  /** What the command `check` has to say of the database; only once it has stopped. */
  audit(): { lines: readonly string[]; isClean: boolean };
}

export interface Measured {
  heapBytes: number;
  rssBytes: number;
  /** Open files and sockets. */
  descriptors: number;
}

const file = (...path: string[]) => join(import.meta.dirname, '..', ...path);
const memory = z.object({ heapBytes: z.number() });
/** Of pino. */
const errorLevel = 50;
const mostFaults = 10;

export async function startTarget(
  children: Children,
  folder: string,
  { modelUrl, passes }: { modelUrl: string; passes: Passes | null },
): Promise<TargetProcess> {
  const config = {
    llm: { active: 'scripted', providers: { scripted: { base_url: modelUrl, model: 'scripted-model' } } },
    auth: authOf(passes),
    chat: {
      // A second of quiet, and what is left in memory is nobody's. What is kept warm is bounded by `log_cache_bytes`, and would look like a leak until then.
      service: {
        idle_timeout: 1,
        log_cache_bytes: 1_048_576,
        tools: { permission: { [`demo.${scriptedCall.name}`]: 'ask' }, approval_timeout: 0.5 },
      },
      // More than a busy machine may keep an attacker waiting between connecting and its first word.
      websocket: { host: '127.0.0.1', port: 0, handshake_timeout: 4, ping_interval: 1.5, ping_timeout: 1.5 },
    },
    repository: {
      path: join(folder, 'events.db'),
      persistence: { retention_policy: 'message_count', max_messages_per_conversation: 60 },
    },
    mcp: { config_file: join(folder, 'servers.json'), connection: { startup_wait: 10 } },
    logging: { level: 'error', format: 'json' },
  };
  // YAML is a superset of JSON.
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config));
  writeFileSync(
    join(folder, 'servers.json'),
    JSON.stringify({
      mcpServers: {
        demo: { command: process.execPath, args: [file('..', 'src', 'demo', 'mcp-server.ts')], env: compileCache },
      },
    }),
  );
  const log = join(folder, 'stderr.log');
  const args = [
    '--expose-gc',
    '--import',
    file('bench', 'probe.ts'),
    file('..', 'src', 'main.ts'),
    '--config',
    join(folder, 'config.yaml'),
  ];
  const child: Child = await children.start(args, log);
  const url = urlIn(child);
  const openDescriptors = () => readdirSync(`/proc/${child.pid}/fd`).length;

  return {
    url,
    async atRest({ connections, descriptors }) {
      let seen = '';
      await eventually(async () => {
        const metrics = await readMetrics(url, passes?.honest);
        const [sockets = -1, turns = -1, live = -1] = ['connections', 'open_turns', 'conversations_live'].map((name) =>
          metrics.get(`parley_${name}`),
        );
        const open = openDescriptors();
        seen = `${sockets} connections, ${turns} turns, ${live} conversations, ${open} files and sockets`;
        return sockets === connections && turns === 0 && live === 0 && open <= descriptors;
      }, 'the server to be at rest').catch((error: unknown) => {
        throw new Error(
          `the server does not come to rest: ${seen || String(error)}, of which ${connections} connections and ${descriptors} files and sockets are expected`,
          { cause: error },
        );
      });
    },
    async measure() {
      const { heapBytes } = await child.ask({ flavor: 'last-resort' } satisfies MemoryQuestion, memory);
      return { heapBytes, rssBytes: usageOf(child.pid).rssBytes, descriptors: openDescriptors() };
    },
    faults: () => readFileSync(log, 'utf8').split('\n').filter(isFault).slice(0, mostFaults),
    stop: child.stop,
    audit() {
      if (!existsSync(config.repository.path)) return { lines: ['there is no database'], isClean: false };
      const { lines, exitCode } = check(config.repository.path);
      return { lines: [...lines], isClean: exitCode === 0 };
    },
  };
}

/** Lines that are no JSON were not written by the log: warnings of Node, or what a process says that dies. */
function isFault(line: string): boolean {
  if (line === '') return false;
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null && 'level' in entry && Number(entry.level) >= errorLevel;
  } catch {
    return true;
  }
}
