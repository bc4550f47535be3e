/**
 * The composition root: the one place that knows every part, and maps configuration to their options.
 * Builds nothing on import; what it starts, `close` stops.
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { createTokenVerifier } from './auth/tokens.ts';
import { ANONYMOUS, withinTime } from './auth/verifier.ts';
import { accessOptions, admissionLimits, authorizerOptions, configuredNames, conversationLimits, hostAnswers, inspectionLimits, listeningOptions, modelOptions, ms, promptResources, registryLimits, sessionLimits, storeOptions, toolboxLimits, toolPolicy, viewerLimits, visitorRules } from './config/options.ts';
import type { Config } from './config/schema.ts';
import { createInFlight } from './conversation/in-flight.ts';
import { createKeepDraft } from './conversation/keep-draft.ts';
import { createConversationMachine } from './conversation/machine.ts';
import { createPermits } from './conversation/permits.ts';
import { createServerNotices } from './conversation/server-notices.ts';
import { createSystemPrompt } from './conversation/system-prompt.ts';
import { createWarmLogs } from './conversation/warm-logs.ts';
import { createDemoModel } from './demo/model.ts';
import { createAccess } from './gateway/access.ts';
import { credentialOf } from './gateway/credential.ts';
import { createComingChats } from './gateway/coming-chats.ts';
import { createRequestHandler } from './gateway/requests.ts';
import { createHttpHandler } from './gateway/http.ts';
import { createRefusalReport } from './gateway/refusal-report.ts';
import { checkAddress, openGateway, type Gateway } from './gateway/server.ts';
import { createViewerSockets } from './gateway/viewer-sockets.ts';
import { ownWords, QUOTED } from './errors.ts';
import { readPageFiles } from './home/page-files.ts';
import { createHomeRoutes } from './home/routes.ts';
import { createDefinitions } from './inspect/definition.ts';
import { createInspection } from './inspect/inspection.ts';
import { createPageSources } from './inspect/page-sources.ts';
import { createInspectRoutes } from './inspect/routes.ts';
import { createDoorkeeper } from './inspect/visitor.ts';
import { createLanguageModel } from './llm/model.ts';
import { createSample } from './llm/sample.ts';
import { reportProvider } from './llm/provider-news.ts';
import { createNameCheck } from './mcp/configured-names.ts';
import { loadServers } from './mcp/servers-config.ts';
import { reportServer } from './mcp/server-news.ts';
import type { ServerStatus } from './mcp/port.ts';
import { createToolbox } from './mcp/toolbox.ts';
import { createMetrics } from './metrics.ts';
import { createOutbox } from './outbox/outbox.ts';
import { createDecoder } from './protocol/decoder.ts';
import { createRegistry } from './registry.ts';
import { openStore } from './store/store.ts';
import { createTurnReport } from './turn-report.ts';
import { createTokenCounter } from './tokens/counter.ts';

/** A server that accepts sockets. `port` is the one it got, also where the configuration said 0. */
export interface Server {
  readonly port: number;
  /** What the first line on the terminal tells. `inspectUrl` is the page to look in, null where none is served. */
  readonly summary: { url: string; inspectUrl: string | null; provider: string; model: string; demo: boolean; database: string; servers: readonly ServerStatus[] };
  /** Drains: running turns end within the limit, everything is flushed, sockets close with 1012. */
  close(): Promise<void>;
}

export interface ServerOptions {
  config: Config;
  version: string;
  env: NodeJS.ProcessEnv;
  log: Logger;
  /** Aborting it ends a start that is under way: nothing is left running, and the start rejects. */
  stop?: AbortSignal;
}

/** Starts everything and resolves when sockets are accepted. Rejects with an AppError whose message is fit for people. */
export async function startServer({ config, version, env, log, stop }: ServerOptions): Promise<Server> {
  const { llm, chat, auth, repository, mcp, inspect } = config;
  const { service, websocket } = chat;
  const onError = (error: unknown) => log.error({ err: error }, 'a fault of ours');
  await checkAddress(websocket);
  stop?.throwIfAborted();

  const demo = createDemoModel({ chunkDelayMs: llm.demo.chunk_delay_ms });
  const options = modelOptions(config);
  const model = createLanguageModel({ ...options, circuit: { ...options.circuit, onChange: (status) => reportProvider(status, log) }, env, demo });
  const [active] = model.providers;
  const tokens = createTokenCounter({
    model: active?.model ?? '',
    onThreadDeath: (cause, final) => log.error({ err: cause, final }, 'the token counting thread died'),
  });
  const servers = loadServers(mcp.config_file, env);
  const nameCheck = createNameCheck(configuredNames(config), servers.map(({ name }) => name), log);
  const toolbox = createToolbox({
    servers,
    clientVersion: version,
    answers: hostAnswers(config, createSample(model, (fault) => log.warn({ code: fault.code, reason: ownWords(fault), [QUOTED]: fault.data[QUOTED] }, 'a request of an MCP server to the model failed'))),
    log: (server, line, level) => log[level ?? 'debug']({ server }, line),
    limits: toolboxLimits(config),
    authorization: authorizerOptions(config),
  });
  const { store, writerLogic, opened } = openStore({
    ...storeOptions(config),
    adoptiveOwner: ANONYMOUS,
    onError,
    onAdoption: ({ backup, conversations, rows }) =>
      log.warn({ backup, conversations, rows }, 'the database was another program\'s: it was copied, then taken over'),
    onBatch: ({ appends, rows, commitMs }) => metrics.batchCommitted(appends, rows, commitMs / 1000),
  });

  const outbox = createOutbox({ reader: store, flushMs: service.streaming.flush_ms, onError });
  const budgetTokens = service.context.max_tokens - service.context.reserve_tokens;
  const warmLogs = createWarmLogs({ store, maxBytes: service.warm_bytes, windowTokens: budgetTokens, preserveRecent: service.context.preserve_recent });
  const countTokens = tokens.count;
  const keepDraft = createKeepDraft({ store, intervalMs: ms(service.streaming.draft_interval) });
  const inFlight = createInFlight();
  const permits = createPermits({ most: service.max_running_turns });
  const notices = createServerNotices({
    toolbox, outbox,
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
    warmBytes: warmLogs.bytes,
    waitingAppends: store.waiting,
    openTurns: () => turnReport.open(),
    turnsInLine: permits.waiting,
    providers: model.status,
  });
  const turnReport = createTurnReport({ log, metrics });
  let gateway: Gateway | undefined;
  const told = { ...inspectionLimits(config), definitions: createDefinitions() };
  const inspection = createInspection({
    ...told,
    bootId: randomBytes(4).toString('hex'),
    nowMs: Date.now,
    actorOf: (ref) => registry.actorOf(ref),
    onError,
  });
  const machine = createConversationMachine({
    model, toolbox, outbox, warmLogs, inFlight, permits, notices, keepDraft, turnReport, metrics, countTokens, budgetTokens,
    preserveRecent: service.context.preserve_recent,
    systemPrompt: createSystemPrompt({ text: service.system_prompt, library: toolbox.library, outbox, ...promptResources(config) }),
    policy: toolPolicy(config),
    maxQuestions: mcp.limits.max_questions,
    onError,
  });
  const registry = createRegistry({
    machine, store, warmLogs, outbox, countTokens, turnReport, inFlight, permits, opened,
    logics: { writer: writerLogic, mcpServer: toolbox.logic },
    mcpServers: toolbox.inputs,
    attachServer(name, actor) {
      toolbox.attach(name, actor);
      reportServer(name, actor, log);
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
    recoveringAtOnce: service.recovery.concurrency,
    startupWaitMs: ms(mcp.connection.startup_wait),
    conversation: { ...conversationLimits(config), providers: model.providers.map((provider) => provider.name) },
    registry: registryLimits(config),
    idleTimeoutMs: ms(service.idle_timeout),
    maxLive: service.max_live_conversations,
    onError,
    onCrash: (ref, error) => log.error({ conversation: ref.conversationId, err: error }, 'a conversation failed'),
  });

  const started = registry.start();
  stop?.addEventListener('abort', () => void registry.shutdown());
  await started;
  void tokens.ready();
  const verifier = auth.mode === 'token' ? createTokenVerifier(auth.tokens) : { verify: () => ANONYMOUS };
  const verify = withinTime(verifier, ms(auth.verification_timeout));
  const access = createAccess(accessOptions(config));
  const onRefused = createRefusalReport({ count: metrics.refused, log: (fields) => log.warn(fields, 'request refused'), nowMs: () => performance.now() });
  const doorkeeper = createDoorkeeper({ ...visitorRules(config), isLocal: access.isLocal }, verify);
  const inspectRoutes = createInspectRoutes({
    ...createPageSources({ ...told, store, conversations: registry.conversations, recovery: conversationLimits(config).recovery, maxRows: inspect.max_events }),
    doorkeeper,
    credentialOf,
    texts: inspect.texts,
    isWatched: inspection.isWatched,
    onRefused,
    onError,
  });
  const home = createHomeRoutes({
    files: readPageFiles(),
    version,
    endpoint: websocket.endpoint,
    isServing: registry.isServing,
    answering: active ?? { name: '', model: '', demo: false },
    asksForToken: auth.mode === 'token',
    mayChat: async ({ headers }) => (await verify(credentialOf(headers))) !== null,
    mayInspect: (request) => inspect.enabled && (auth.mode === 'none' || inspect.viewers.length > 0) && doorkeeper.page(request) === null,
  });
  const listening = await openGateway({
    ...listeningOptions(config),
    admission: { ...admissionLimits(config), verify, refusalOf: access.socket, onRefused, onError },
    outbox,
    onError,
    isServing: registry.isServing,
    http: createHttpHandler({ endpoint: websocket.endpoint, version, isServing: registry.isServing, servers: toolbox.servers, providers: model.status, metrics, verify, home, inspection: inspect.enabled ? inspectRoutes : null, refusalOf: access.page, onRefused, onError }),
    viewers: inspect.enabled ? createViewerSockets({ ...viewerLimits(config), path: '/inspect/events', refusalOf: access.viewer, visitor: doorkeeper.visitor, onRefused, watch: inspection.watch, unwatch: inspection.unwatch, onError }) : null,
    session: {
      decode: createDecoder({ maxTextLength: service.max_text_length, maxDepth: websocket.max_json_depth, allowedModels: active?.allowedModels ?? [] }),
      handle: createRequestHandler({ registry, store, toolbox, library: toolbox.library, comingChats: createComingChats(), outbox, maxTextLength: service.max_text_length, streaming: service.streaming.enabled, onError }),
      limits: sessionLimits(config),
    },
  }).catch(async (error: unknown) => {
    await registry.shutdown();
    throw error;
  });

  gateway = listening;
  const authority = `${websocket.host.includes(':') ? `[${websocket.host}]` : websocket.host}:${listening.port}`;

  return {
    port: listening.port,
    summary: {
      url: `ws://${authority}${websocket.endpoint}`,
      inspectUrl: inspect.enabled ? `http://${authority}/inspect` : null,
      provider: active?.name ?? '',
      model: active?.model ?? '',
      demo: active?.demo ?? false,
      database: repository.persistence.enabled ? repository.path : 'in memory',
      servers: toolbox.servers(),
    },
    async close() {
      await registry.shutdown();
      await listening.close();
      inspection.close();
      metrics.close();
    },
  };
}
