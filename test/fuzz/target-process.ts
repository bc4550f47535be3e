/**
 * Starts the server under attack in its own process: the shipping one with its shipping limits. Only its timeouts are
 * shorter, so that resources that it releases are gone when they are counted. Linux only: it reads /proc.
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
import { eventually } from '../support/eventually.ts';
import { authOf, type Tokens } from './tokens.ts';
import { scriptedCall } from './script.ts';

export interface TargetProcess {
  readonly url: string;
  /**
   * Resolves when no more than these are open, no turn runs and no conversation is in memory. Rejects after a timeout.
   */
  waitUntilIdle(left: { connections: number; descriptors: number }): Promise<void>;
  /**
   * Measures after a collection that frees as much as possible. Rejects with its final output when the server is gone.
   */
  measure(): Promise<Measured>;
  /** Error entries of its log, which no client may cause. */
  faults(): string[];
  stop(): Promise<void>;
  /** Output of the command `check` for the database, after the server has stopped. */
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
/** `error` in pino. */
const errorLevel = 50;
const maxFaults = 10;

export async function startTarget(
  children: Children,
  folder: string,
  { modelUrl, tokens }: { modelUrl: string; tokens: Tokens | null },
): Promise<TargetProcess> {
  const config = {
    llm: { active: 'scripted', providers: { scripted: { base_url: modelUrl, model: 'scripted-model' } } },
    auth: authOf(tokens),
    chat: {
      // After an idle second all conversations should leave the memory. The log cache is bounded by `log_cache_bytes`, and
      // would look like a leak until it is full.
      service: {
        idle_timeout: 1,
        log_cache_bytes: 1_048_576,
        tools: { permission: { [`demo.${scriptedCall.name}`]: 'ask' }, approval_timeout: 0.5 },
      },
      // Longer than a busy machine delays an attacker between connecting and its first byte.
      websocket: { host: '127.0.0.1', port: 0, handshake_timeout: 4, ping_interval: 1.5, ping_timeout: 1.5 },
    },
    repository: {
      path: join(folder, 'events.db'),
      persistence: { retention_policy: 'message_count', max_messages_per_conversation: 60 },
    },
    mcp: { config_file: join(folder, 'servers.json'), connection: { startup_wait: 10, tools_wait: 60 } },
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
    async waitUntilIdle({ connections, descriptors }) {
      let seen = '';
      await eventually(async () => {
        const metrics = await readMetrics(url, tokens?.honest);
        const [sockets = -1, turns = -1, live = -1] = ['connections', 'open_turns', 'conversations_live'].map((name) =>
          metrics.get(`parley_${name}`),
        );
        const open = openDescriptors();
        seen = `${sockets} connections, ${turns} turns, ${live} conversations, ${open} files and sockets`;
        return sockets === connections && turns === 0 && live === 0 && open <= descriptors;
      }, 'the server to be idle').catch((error: unknown) => {
        throw new Error(
          `the server does not become idle: ${seen || String(error)}, of which ${connections} connections and ${descriptors} files and sockets are expected`,
          { cause: error },
        );
      });
    },
    async measure() {
      const { heapBytes } = await child.ask({ flavor: 'last-resort' } satisfies MemoryQuestion, memory);
      return { heapBytes, rssBytes: usageOf(child.pid).rssBytes, descriptors: openDescriptors() };
    },
    faults: () => readFileSync(log, 'utf8').split('\n').filter(isFault).slice(0, maxFaults),
    stop: child.stop,
    audit() {
      if (!existsSync(config.repository.path)) return { lines: ['there is no database'], isClean: false };
      const { lines, exitCode } = check(config.repository.path);
      return { lines: [...lines], isClean: exitCode === 0 };
    },
  };
}

/** Lines that are no JSON do not come from the log: warnings of Node, or the output of a process that crashes. */
function isFault(line: string): boolean {
  if (line === '') return false;
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null && 'level' in entry && Number(entry.level) >= errorLevel;
  } catch {
    return true;
  }
}
