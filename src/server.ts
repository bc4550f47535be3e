/**
 * The composition root: the one place that knows every part, and maps configuration to their options.
 * Builds nothing on import; what it starts, `close` stops.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { createTokenVerifier } from './auth/tokens.ts';
import { ANONYMOUS, withinTime, type Verify } from './auth/verifier.ts';
import type { LiveSettings } from './config/live-settings.ts';
import {
  accessOptions,
  admissionLimits,
  authorizerOptions,
  circuitLimits,
  configuredNames,
  conversationLimits,
  decoderLimits,
  hostAnswers,
  inspectionLimits,
  listeningOptions,
  modelOptions,
  ms,
  promptResources,
  registryLimits,
  sessionLimits,
  storeOptions,
  toolboxLimits,
  toolPolicy,
  viewerLimits,
  visitorRules,
  warmLimits,
  windowLimits,
} from './config/options.ts';
import type { Config } from './config/schema/schema.ts';
import { createInFlight } from './conversation/in-flight.ts';
import { createKeepDraft } from './conversation/keep-draft.ts';
import { createConversationMachine } from './conversation/machine.ts';
import { createPermits } from './scheduling/turn-permits.ts';
import { createServerNotices } from './conversation/server-notices.ts';
import { createSystemPrompt } from './conversation/system-prompt.ts';
import { createWarmLogs } from './conversation/warm-logs.ts';
import { createDemoModel } from './demo/model.ts';
import { createAccess } from './gateway/admission/access.ts';
import { credentialOf } from './gateway/admission/credential.ts';
import { createComingChats } from './gateway/actions/pending-chats.ts';
import { createRequestHandler } from './gateway/actions/requests.ts';
import { createHttpHandler } from './gateway/http.ts';
import { createRefusalReport } from './gateway/admission/refusal-report.ts';
import { checkAddress, openGateway, type Gateway } from './gateway/server.ts';
import { createViewerSockets } from './gateway/viewer-sockets.ts';
import { ownWords, QUOTED } from './errors.ts';
import { readPageFiles } from './home/page-files.ts';
import { createHomeRoutes } from './home/routes.ts';
import { createApi } from './inspect/api.ts';
import { createDefinitions } from './inspect/definition.ts';
import { createInspection } from './inspect/inspection.ts';
import { createPageSources } from './inspect/page-sources.ts';
import { createInspectRoutes } from './inspect/routes.ts';
import { createDoorkeeper } from './inspect/visitor.ts';
import { chooseProviders } from './llm/providers/choose-providers.ts';
import { createLanguageModel } from './llm/model.ts';
import { createSample } from './llm/sample.ts';
import { logProviderStatus, logServerStatus } from './observability/status-log.ts';
import { createNameCheck } from './mcp/configured-names.ts';
import { loadServers } from './mcp/config/servers-config.ts';
import type { ServerStatus } from './mcp/port.ts';
import { createToolbox } from './mcp/toolbox.ts';
import { createMetrics } from './observability/metrics.ts';
import { createOutbox } from './outbox/outbox.ts';
import { createDecoder } from './protocol/decoder.ts';
import { createRegistry } from './registry/registry.ts';
import { createReload } from './reload.ts';
import { openStore } from './store/store.ts';
import { createTurnReport } from './observability/turn-report.ts';
import { createTokenCounter } from './tokens/counter.ts';

/** A server that accepts sockets. `port` is the one it got, also where the configuration said 0. */
export interface Server {
  readonly port: number;
  /** What the first line on the terminal tells. `inspectUrl` is the page to look in, null where none is served. */
  readonly summary: {
    url: string;
    inspectUrl: string | null;
    provider: string;
    model: string;
    demo: boolean;
    database: string;
    servers: readonly ServerStatus[];
  };
  /** Reads the configuration again and puts in force what can be; the log says what came of it. Never rejects. */
  reload(): Promise<void>;
  /** Drains: running turns end within the limit, everything is flushed, sockets close with 1012. */
  close(): Promise<void>;
}

export interface ServerOptions {
  settings: LiveSettings;
  /** Reads the configuration again, for a reload. Rejects with an AppError for a file that is missing or wrong. */
  readConfig(): Promise<Config>;
  version: string;
  env: NodeJS.ProcessEnv;
  log: Logger;
  /** Aborting it ends a start that is under way: nothing is left running, and the start rejects. */
  stop?: AbortSignal;
}

/** Starts everything and resolves when sockets are accepted. Rejects with an AppError whose message is fit for people. */
export async function startServer({ settings, readConfig, version, env, log, stop }: ServerOptions): Promise<Server> {
  /** As it is at the start: what is read from here needs a restart (config/restart-keys.ts). */
  const config = settings.current();
  const { websocket } = config.chat;
  const onError = (error: unknown) => log.error({ err: error }, 'a fault of ours');
  await checkAddress(websocket);
  stop?.throwIfAborted();

  settings.onApply(() => void (log.level = settings.current().logging.level));
  const demo = createDemoModel(settings.follow(({ llm }) => ({ chunkDelayMs: llm.demo.chunk_delay_ms })));
  const circuit = settings.follow(circuitLimits);
  const model = createLanguageModel(
    settings.follow((now) => ({
      ...modelOptions(now),
      circuit,
      onCircuitChange: (status) => logProviderStatus(status, log),
      env,
      demo,
    })),
  );
  settings.onApply(model.update);
  const activeModel = () => model.providers[0]?.model ?? '';
  const tokens = createTokenCounter({
    model: activeModel(),
    onThreadDeath: (cause, final) => log.error({ err: cause, final }, 'the token counting thread died'),
  });
  settings.onApply(() => tokens.use(activeModel()));
  const sample = createSample(model, (fault) =>
    log.warn(
      { code: fault.code, reason: ownWords(fault), [QUOTED]: fault.data[QUOTED] },
      'a request of an MCP server to the model failed',
    ),
  );
  const toolbox = createToolbox({
    servers: loadServers(config.mcp.config_file, env),
    clientVersion: version,
    answers: settings.follow((now) => hostAnswers(now, sample)),
    log: (server, line, level) => log[level ?? 'debug']({ server }, line),
    limits: settings.follow(toolboxLimits),
    authorization: authorizerOptions(config),
  });
  const nameCheck = createNameCheck(
    { configured: () => configuredNames(settings.current()), servers: () => toolbox.servers().map(({ name }) => name) },
    log,
  );
  const { store, writerLogic, opened, retain } = openStore(
    settings.follow((now) => ({
      ...storeOptions(now),
      adoptiveOwner: ANONYMOUS,
      onError,
      onAdoption: ({ backup, conversations, rows }) =>
        log.warn({ backup, conversations, rows }, "the database was another program's: it was copied, then taken over"),
      onBatch: ({ appends, rows, commitMs }) => metrics.batchCommitted(appends, rows, commitMs / 1000),
    })),
  );
  settings.onApply(retain);

  const outbox = createOutbox(
    settings.follow(({ chat }) => ({ reader: store, flushMs: chat.service.streaming.flush_ms, onError })),
  );
  const warmLogs = createWarmLogs(settings.follow((now) => ({ store, ...warmLimits(now) })));
  settings.onApply(warmLogs.resize);
  const countTokens = tokens.count;
  const inFlight = createInFlight();
  const permits = createPermits(settings.follow(({ chat }) => ({ most: chat.service.max_running_turns })));
  settings.onApply(permits.refresh);
  const notices = createServerNotices({
    toolbox,
    outbox,
    *atWork() {
      for (const ref of permits.holders()) {
        const running = registry.standing(ref)?.running;
        if (running) yield { ...ref, requestId: running };
      }
    },
  });
  const metrics = createMetrics({
    connections: () => gateway?.connections() ?? 0,
    conversationsLive: () => registry.live(),
    logCacheBytes: warmLogs.bytes,
    writesQueued: store.waiting,
    openTurns: () => turnReport.open(),
    turnsQueued: permits.waiting,
    providers: model.status,
    reload: () => reload.status(),
  });
  const turnReport = createTurnReport({ log, metrics });
  let gateway: Gateway | undefined;
  const watched = {
    definitions: createDefinitions(),
    bootId: randomBytes(4).toString('hex'),
    nowMs: Date.now,
    onError,
  };
  const inspection = createInspection(
    settings.follow((now) => ({ ...watched, ...inspectionLimits(now), actorOf: (ref) => registry.actorOf(ref) })),
  );
  const machine = createConversationMachine(
    settings.follow((now) => ({
      model,
      toolbox,
      outbox,
      warmLogs,
      inFlight,
      permits,
      notices,
      turnReport,
      metrics,
      countTokens,
      ...windowLimits(now),
      keepDraft: createKeepDraft({ store, intervalMs: ms(now.chat.service.streaming.draft_interval) }),
      systemPrompt: createSystemPrompt({
        text: now.chat.service.system_prompt,
        library: toolbox.library,
        outbox,
        ...promptResources(now),
      }),
      policy: toolPolicy(now),
      maxQuestions: now.mcp.limits.max_questions,
      onError,
    })),
  );
  const conversation = settings.follow((now) => ({
    ...conversationLimits(now),
    providers: model.providers.map(({ name }) => name),
  }));
  const limits = settings.follow(registryLimits);
  const registry = createRegistry(
    settings.follow(({ chat: { service } }) => ({
      machine,
      store,
      warmLogs,
      outbox,
      countTokens,
      turnReport,
      inFlight,
      permits,
      opened,
      conversation,
      registry: limits,
      logics: { writer: writerLogic, mcpServer: toolbox.logic },
      mcpServers: toolbox.inputs,
      attachServer(name, actor) {
        toolbox.attach(name, actor);
        logServerStatus(name, actor, log);
        nameCheck.watch(name, actor);
        inspection.addServer(actor);
        notices.watch(name, actor);
      },
      onStart: inspection.starting,
      toolsSettled: toolbox.settled,
      dismiss: (needed) => gateway?.dismiss(needed),
      closeNeighbours: async () => {
        const closed = await Promise.allSettled([store.close(), toolbox.close(), tokens.close()]);
        for (const each of closed) if (each.status === 'rejected') onError(each.reason);
      },
      recoveringAtOnce: config.chat.service.recovery.max_concurrent,
      startupWaitMs: ms(config.mcp.connection.startup_wait),
      idleTimeoutMs: ms(service.idle_timeout),
      maxLive: service.max_live_conversations,
      onError,
      onCrash: (ref, error) => log.error({ conversation: ref.conversationId, err: error }, 'a conversation failed'),
    })),
  );

  const started = registry.start();
  stop?.addEventListener('abort', () => void registry.shutdown());
  await started;
  nameCheck.check();
  void tokens.ready();
  const checking = settings.follow(({ auth }) => ({
    verify: withinTime(
      auth.mode === 'token' ? createTokenVerifier(auth.tokens) : { verify: () => ANONYMOUS },
      ms(auth.verification_timeout),
    ),
  }));
  const verify: Verify = (credential) => checking.verify(credential);
  const access = settings.follow((now) => createAccess(accessOptions(now)));
  const onRefused = createRefusalReport({
    count: metrics.refused,
    log: (fields) => log.warn(fields, 'request refused'),
    nowMs: () => performance.now(),
  });
  const doorkeeper = createDoorkeeper(
    settings.follow((now) => ({ ...visitorRules(now), isLocal: (request) => access.isLocal(request) })),
    verify,
  );
  const { enabled: inspectable, max_events: maxRows, search_time_ms: searchMs } = config.inspect;
  const pages = settings.follow((now) => ({
    ...watched,
    ...inspectionLimits(now),
    store,
    conversations: registry.conversations,
    recovery: conversationLimits(now).recovery,
    maxRows,
    searchMs,
  }));
  const sources = createPageSources(pages);
  const inspectRoutes = createInspectRoutes({
    assets: sources.assets,
    api: createApi({
      ...sources,
      texts: inspectionLimits(config).limits.texts,
      chatEndpoint: websocket.endpoint,
      isWatched: inspection.isWatched,
    }),
    doorkeeper,
    credentialOf,
    onRefused,
    onError,
  });
  const home = createHomeRoutes({
    files: readPageFiles(),
    version,
    endpoint: websocket.endpoint,
    isServing: registry.isServing,
    answering: () => model.providers[0] ?? { name: '', model: '', demo: false },
    asksForToken: config.auth.mode === 'token',
    mayChat: async ({ headers }) => (await verify(credentialOf(headers))) !== null,
    mayInspect: (request) =>
      inspectable &&
      (config.auth.mode === 'none' || settings.current().inspect.viewers.length > 0) &&
      doorkeeper.page(request) === null,
  });
  const viewers = inspectable
    ? createViewerSockets(
        settings.follow((now) => ({
          ...viewerLimits(now),
          path: '/inspect/events',
          refusalOf: (request) => access.viewer(request),
          visitor: doorkeeper.visitor,
          onRefused,
          watch: inspection.watch,
          unwatch: inspection.unwatch,
          onError,
        })),
      )
    : null;
  const comingChats = createComingChats();
  const requests = settings.follow(({ chat: { service } }) => ({
    registry,
    store,
    toolbox,
    library: toolbox.library,
    comingChats,
    outbox,
    onError,
    maxTextLength: service.max_text_length,
    streaming: service.streaming.enabled,
  }));
  const decoder = settings.follow((now) => ({
    decode: createDecoder({ ...decoderLimits(now), allowedModels: model.providers[0]?.allowedModels ?? [] }),
  }));
  const admission = settings.follow((now) => ({
    ...admissionLimits(now),
    verify,
    refusalOf: (request: IncomingMessage) => access.socket(request),
    onRefused,
    onError,
  }));
  const http = createHttpHandler({
    endpoint: websocket.endpoint,
    version,
    isServing: registry.isServing,
    servers: toolbox.servers,
    providers: model.status,
    reload: () => reload.status(),
    metrics,
    verify,
    home,
    inspection: inspectable ? inspectRoutes : null,
    refusalOf: (request) => access.page(request),
    onRefused,
    onError,
  });
  const session = {
    decode: (text: string) => decoder.decode(text),
    handle: createRequestHandler(requests),
    limits: settings.follow(sessionLimits),
  };
  const listening = await openGateway(
    settings.follow((now) => ({
      ...listeningOptions(now),
      admission,
      outbox,
      onError,
      isServing: registry.isServing,
      http,
      viewers,
      session,
    })),
  ).catch(async (error: unknown) => {
    await registry.shutdown();
    throw error;
  });

  gateway = listening;
  const reload = createReload({
    settings,
    readConfig,
    log,
    isServing: registry.isServing,
    prepare(next) {
      chooseProviders({ ...modelOptions(next), env });
      const blocks = loadServers(next.mcp.config_file, env);
      return {
        changed: toolbox.compare(blocks).map((name) => `mcpServers.${name}`),
        async apply() {
          const changes = toolbox.configure(blocks);
          for (const name of changes.remove) notices.removed(name);
          registry.changeServers(changes);
          nameCheck.check();
          await listening.refresh();
        },
      };
    },
  });
  const authority = `${websocket.host.includes(':') ? `[${websocket.host}]` : websocket.host}:${listening.port}`;

  return {
    port: listening.port,
    summary: {
      url: `ws://${authority}${websocket.endpoint}`,
      inspectUrl: inspectable ? `http://${authority}/inspect` : null,
      provider: model.providers[0]?.name ?? '',
      model: activeModel(),
      demo: model.providers[0]?.demo ?? false,
      database: config.repository.persistence.enabled ? config.repository.path : 'in memory',
      servers: toolbox.servers(),
    },
    reload: reload.run,
    async close() {
      await registry.shutdown();
      await listening.close();
      inspection.close();
      metrics.close();
    },
  };
}
