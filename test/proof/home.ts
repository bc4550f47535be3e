/**
 * The folder in which a server under proof lives, and its configuration: the shipping defaults, but for what a path
 * needs to be walked in seconds. Each run has one of its own.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Move, Stimulus } from './vocabulary.ts';
import type { Terms } from './world.ts';

export interface Home {
  readonly folder: string;
  readonly database: string;
  remove(): Promise<void>;
}

export async function makeHome(
  { limits }: Terms,
  moves: readonly Move[],
  urls: { model: string; tools: string; hall: string },
): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-proof-'));
  const has = (word: Stimulus['do']) => moves.some((move) => move.do === word);
  const ends = (how: string) => moves.some((move) => move.do === 'call' && move.ends === how);
  const { maxToolHops, queueLength, providers, budgets } = limits;
  const settings = {
    llm: {
      active: providers[0],
      fallback: providers.slice(1),
      // However often a path lets a provider fail, the chart asks it again.
      circuit: { failures: 1000 },
      providers: Object.fromEntries(
        providers.map((name) => [name, { base_url: urls.model, model: `model of ${name}` }]),
      ),
    },
    chat: {
      websocket: { host: '127.0.0.1', port: 0 },
      service: {
        max_tool_hops: maxToolHops,
        budget: { turn_tokens: budgets.turn.tokens ?? 0 },
        queue_length: queueLength,
        max_running_turns: has('crowd') ? 1 : 1000,
        // Nothing stays warm, so that every context is a read that can be held.
        log_cache_bytes: 0,
        idle_timeout: has('passivate') ? 0.2 : 300,
        tools: {
          permission: { 'desk.pay': 'ask' },
          timeout: ends('late') ? 0.3 : 60,
          approval_timeout: has('expire') || ends('unanswered') ? 1 : 86_400,
        },
        recovery: { attempts: limits.recovery.attempts },
      },
    },
    repository: { path: 'events.db', persistence: { retention_policy: 'unlimited' } },
    mcp: { config_file: 'servers.json', connection: { startup_wait: 0 } },
    shutdown: { drain_timeout: has('halt') ? 0.2 : 30 },
    logging: { level: 'warn' },
  };
  // JSON is YAML.
  await writeFile(join(folder, 'config.yaml'), JSON.stringify(settings));
  await writeFile(
    join(folder, 'servers.json'),
    JSON.stringify({
      mcpServers: { desk: { url: urls.tools, protocol: '2026-07-28' }, house: { url: urls.hall, protocol: 'legacy' } },
    }),
  );
  return { folder, database: join(folder, 'events.db'), remove: () => rm(folder, { recursive: true, force: true }) };
}
