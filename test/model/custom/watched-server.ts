/**
 * Starts the shipping server in this process with the user's configuration: prompts, limits, policy and MCP servers.
 * The test replaces only the address, the database, authentication and the model.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createLiveSettings } from '../../../src/config/live-settings.ts';
import { configSchema, type Config } from '../../../src/config/schema/schema.ts';
import { watchedMcpServers, type WatchedMcpServers } from './watched-mcp-servers.ts';

export interface WatchedServer extends WatchedMcpServers {
  url: string;
  close(): Promise<void>;
}

/** Timeout for flows in which a tool or a person is late. */
const SHORT_TIMEOUT_S = 1;
/** Longest wait for MCP servers that are starting. */
const STARTUP_S = 30;

const root = new URL('../../../src/server/tools.ts', import.meta.url).href;
const watched = new URL('watched-mcp-servers.ts', import.meta.url).href;

/** Resolves when its MCP servers are connected or have failed. Rejects as the server does. */
export async function startWatchedServer(
  config: Config,
  modelUrl: string,
  { shortTimeouts }: { shortTimeouts: boolean },
): Promise<WatchedServer> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-own-'));
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === '../mcp/mcp-servers.ts' && context.parentURL === root
        ? { url: watched, shortCircuit: true }
        : next(specifier, context),
  });
  const { startServer } = await import('../../../src/server.ts');
  hooks.deregister();
  let seen: WatchedMcpServers | null = null;
  const see = (message: unknown) => {
    if (isWatchedMcpServers(message)) seen = message;
  };
  watchedMcpServers.subscribe(see);
  try {
    const settings = settingsFor(config, { modelUrl, folder, shortTimeouts });
    const server = await startServer({
      settings: createLiveSettings(settings),
      readConfig: async () => settings,
      version: 'test',
      env: process.env,
      log: pino({ level: process.env['PARLEY_TEST_LOG'] ?? 'silent' }),
    });
    if (seen === null) throw new Error('the server has no MCP servers');
    const { mcpServers, withholdAnswers }: WatchedMcpServers = seen;
    await mcpServers.settled();
    return {
      url: server.summary.url.replace('localhost', '127.0.0.1'),
      mcpServers,
      withholdAnswers,
      async close() {
        await server.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } finally {
    watchedMcpServers.unsubscribe(see);
  }
}

function settingsFor(
  config: Config,
  { modelUrl, folder, shortTimeouts }: { modelUrl: string; folder: string; shortTimeouts: boolean },
): Config {
  const test = configSchema.parse({
    llm: { active: 'scripted', providers: { scripted: { base_url: modelUrl, model: 'scripted-model' } } },
    repository: { path: join(folder, 'events.db') },
    shutdown: { drain_timeout: 2 },
  });
  const { chat, mcp } = config;
  const { service } = chat;
  const timeouts = shortTimeouts
    ? { timeout: SHORT_TIMEOUT_S, max_timeout: SHORT_TIMEOUT_S, approval_timeout: SHORT_TIMEOUT_S }
    : {};
  return {
    ...test,
    chat: {
      ...chat,
      websocket: { ...chat.websocket, host: '127.0.0.1', port: 0 },
      service: { ...service, tools: { ...service.tools, ...timeouts } },
    },
    mcp: {
      ...mcp,
      connection: {
        ...mcp.connection,
        startup_wait: Math.min(STARTUP_S, mcp.connection.connection_timeout),
        // The flows need the tools of slow servers too.
        tools_wait: mcp.connection.fetch_timeout,
      },
    },
  };
}

function isWatchedMcpServers(message: unknown): message is WatchedMcpServers {
  return typeof message === 'object' && message !== null && 'mcpServers' in message && 'withholdAnswers' in message;
}
