/**
 * Creates the temporary home of a server under test, with its configuration: the shipping defaults, except for what a
 * path needs to run in seconds. Each run has its own.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiName } from '../../src/llm/api/wire-api.ts';
import type { Move, Stimulus } from './moves.ts';
import type { Settings } from './world.ts';

export interface TempHome {
  readonly folder: string;
  readonly database: string;
  remove(): Promise<void>;
}

export async function createTempHome(
  { limits }: Settings,
  moves: readonly Move[],
  api: ApiName,
  urls: { model: string; tools: string; hall: string; works: string },
): Promise<TempHome> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-proof-'));
  const has = (word: Stimulus['do']) => moves.some((move) => move.do === word);
  const ends = (how: string) => moves.some((move) => move.do === 'call' && move.ends === how);
  const { maxToolHops, queueLength, providers, budgets } = limits;
  const settings = {
    llm: {
      active: providers[0],
      fallback: providers.slice(1),
      // The chart must ask the provider again, no matter how often a path lets it fail.
      circuit: { failures: 1000 },
      providers: Object.fromEntries(
        providers.map((name) => [name, { base_url: urls.model, model: `model of ${name}`, api }]),
      ),
    },
    chat: {
      websocket: { host: '127.0.0.1', port: 0 },
      service: {
        max_tool_hops: maxToolHops,
        budget: { turn_tokens: budgets.turn.tokens ?? 0 },
        queue_length: queueLength,
        max_running_turns: has('takePermit') ? 1 : 1000,
        // No log is cached, so every context is a read that can be held.
        log_cache_bytes: 0,
        idle_timeout: has('passivate') ? 0.2 : 300,
        tools: {
          permission: { 'desk.pay': 'ask' },
          timeout: ends('late') ? 0.3 : 60,
          task_timeout: ends('overdue') ? 0.3 : 3600,
          approval_timeout: has('expire') || ends('unanswered') ? 1 : 86_400,
        },
        recovery: { attempts: limits.recovery.attempts },
      },
    },
    repository: { path: 'events.db', persistence: { retention_policy: 'unlimited' } },
    mcp: {
      config_file: 'servers.json',
      connection: { startup_wait: 0, tools_wait: 60 },
      tasks: { min_poll_interval: 0.02 },
    },
    shutdown: { drain_timeout: has('halt') ? 0.2 : 30 },
    logging: { level: 'warn' },
  };
  // JSON is a subset of YAML.
  await writeFile(join(folder, 'config.yaml'), JSON.stringify(settings));
  await writeFile(
    join(folder, 'servers.json'),
    JSON.stringify({
      mcpServers: {
        desk: { url: urls.tools, protocol: '2026-07-28' },
        house: { url: urls.hall, protocol: 'legacy' },
        works: { url: urls.works, protocol: '2026-07-28' },
      },
    }),
  );
  return { folder, database: join(folder, 'events.db'), remove: () => rm(folder, { recursive: true, force: true }) };
}
