/**
 * The composition root: builds every part of the server from the configuration, area by area (src/server/), and starts
 * it. Builds nothing on import. `close` stops everything that the start began.
 */
import type { Config } from './config/schema/schema.ts';
import { checkAddress } from './gateway/listen.ts';
import type { Gateway } from './gateway/server.ts';
import type { ServerStatus } from './mcp/port.ts';
import { createMetrics } from './observability/metrics.ts';
import { createReload, type Reload } from './reload.ts';
import type { StartContext } from './server/context.ts';
import { createConversations, type Conversations } from './server/conversations.ts';
import { openEdge } from './server/edge.ts';
import { createFeeds } from './server/inspection.ts';
import { createModels, type Models } from './server/models.ts';
import { createFileWatch } from './server/watch-file.ts';
import { createStore } from './server/store.ts';
import { createTools, type Tools } from './server/tools.ts';

/** A server that accepts sockets. `port` is the one it listens on, also where the configuration says 0. */
export interface Server {
  readonly port: number;
  /** The content of the first line on the terminal. `inspectUrl` is null if no page of inspection is served. */
  readonly summary: {
    url: string;
    inspectUrl: string | null;
    provider: string;
    model: string;
    demo: boolean;
    database: string;
    servers: readonly ServerStatus[];
  };
  /** Reads the configuration again and applies what a running server can change; logs the result. Never rejects. */
  reload(): Promise<void>;
  /** Drains: running turns end within the limit, everything is flushed, sockets close with 1012. */
  close(): Promise<void>;
}

/** What a start needs. */
export interface ServerOptions extends Omit<StartContext, 'onError'> {
  /** Reads the configuration again, for a reload. Rejects with an AppError for a file that is missing or wrong. */
  readConfig(): Promise<Config>;
  /** Its abort ends a start that is under way: the start rejects and leaves nothing running. */
  stop?: AbortSignal;
}

/** Starts everything and resolves when sockets are accepted. Rejects with an AppError whose message is fit for people. */
export async function startServer({ readConfig, stop, ...options }: ServerOptions): Promise<Server> {
  const { settings, log } = options;
  const context = { ...options, onError: (error: unknown) => log.error({ err: error }, 'internal error') };
  await checkAddress(settings.current().chat.websocket);
  stop?.throwIfAborted();

  settings.onApply(() => void (log.level = settings.current().logging.level));
  const models = createModels(context);
  const tools = createTools(context, models);
  let gateway: Gateway | undefined;
  const metrics = createMetrics({
    connections: () => gateway?.connections() ?? 0,
    conversationsLive: () => conversations.registry.live(),
    logCacheBytes: () => conversations.logCache.bytes(),
    writesQueued: () => opening.store.queuedWrites(),
    openTurns: () => conversations.turnReport.open(),
    turnsQueued: () => conversations.permits.queued(),
    providers: models.model.status,
    reload: () => reload.status(),
  });
  const opening = createStore(context, metrics);
  const feeds = createFeeds(context, { actorOf: (ref) => conversations.registry.actorOf(ref) });
  const conversations = createConversations(context, {
    models,
    tools,
    opening,
    inspection: feeds.inspection,
    metrics,
    closeIdleSockets: (needed) => gateway?.closeIdleSockets(needed),
  });
  const { registry } = conversations;

  const started = registry.start();
  stop?.addEventListener('abort', () => void registry.shutdown());
  await started;
  tools.nameCheck.check();
  conversations.windowCheck.check();
  void models.tokens.ready();
  const parts = { models, tools, conversations, feeds, metrics, reload: () => reload.status() };
  const listening = await openEdge(context, parts).catch(async (error: unknown) => {
    await registry.shutdown();
    throw error;
  });
  gateway = listening;
  const reload = createServerReload(context, readConfig, { models, tools, conversations, listening });
  const serversFile = createFileWatch(() => void reload.runServers());
  const watchServersFile = ({ mcp }: Config) => serversFile.watch(mcp.watch_config_file ? mcp.config_file : null);
  watchServersFile(settings.current());
  settings.onApply(() => watchServersFile(settings.current()));

  return {
    port: listening.port,
    summary: summaryOf(settings.current(), models, tools, listening.port),
    reload: reload.run,
    async close() {
      serversFile.watch(null);
      await registry.shutdown();
      await listening.close();
      feeds.inspection.close();
      metrics.close();
    },
  };
}

/** Checks the providers and the list of MCP servers before anything changes; then applies both. */
function createServerReload(
  { settings, log }: StartContext,
  readConfig: () => Promise<Config>,
  parts: { models: Models; tools: Tools; conversations: Conversations; listening: Gateway },
): Reload {
  const { mcpServers, nameCheck, read } = parts.tools;
  const { registry, notices } = parts.conversations;
  return createReload({
    settings,
    readConfig,
    log,
    isServing: registry.isServing,
    prepare(next) {
      parts.models.check(next);
      const blocks = read(next);
      return {
        changed: mcpServers.compare(blocks).map((name) => `mcpServers.${name}`),
        async apply() {
          const changes = mcpServers.configure(blocks);
          for (const name of changes.remove) notices.removed(name);
          registry.changeServers(changes);
          nameCheck.check();
          await parts.listening.refresh();
        },
      };
    },
  });
}

function summaryOf(
  { chat, inspect, repository }: Config,
  models: Models,
  tools: Tools,
  port: number,
): Server['summary'] {
  const { host, endpoint } = chat.websocket;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const { name, model, demo } = models.active();
  return {
    url: `ws://${authority}${endpoint}`,
    inspectUrl: inspect.enabled ? `http://${authority}/inspect` : null,
    provider: name,
    model,
    demo,
    database: repository.persistence.enabled ? repository.path : 'in memory',
    servers: tools.mcpServers.statuses(),
  };
}
