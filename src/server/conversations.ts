/** Builds the conversations: their chart with its actors, delivery to clients, and the registry that runs all charts. */
import {
  conversationLimits,
  ms,
  promptResources,
  quotas,
  readLimits,
  registryLimits,
  toolPolicy,
  warmLimits,
  windowLimits,
} from '../config/options.ts';
import { createInFlight } from '../conversation/in-flight.ts';
import { createKeepDraft } from '../conversation/keep-draft.ts';
import { createConversationMachine } from '../conversation/provide-actors.ts';
import { createServerNotices } from '../conversation/server-notices.ts';
import { createWindowCheck, type WindowCheck } from '../conversation/window-check.ts';
import { createSystemPrompt } from '../conversation/system-prompt.ts';
import { createLogCache } from '../conversation/log-cache.ts';
import type { Gateway } from '../gateway/server.ts';
import type { Inspection } from '../inspect/live/inspection.ts';
import type { Metrics } from '../observability/metrics.ts';
import { logServerStatus } from '../observability/status-log.ts';
import { createIncidentReport } from '../observability/incident-report.ts';
import { createTurnReport, type TurnReport } from '../observability/turn-report.ts';
import { createDelivery } from '../delivery/delivery.ts';
import { createRegistry, type Registry } from '../registry/registry.ts';
import { createReadPermits } from '../scheduling/read-permits.ts';
import { createPermits } from '../scheduling/turn-permits.ts';
import type { OpenStore } from '../store/store.ts';
import type { StartContext } from './context.ts';
import type { Models } from './models.ts';
import type { Tools } from './tools.ts';

/** The parts of the server that conversations use. */
export interface ConversationParts {
  models: Models;
  tools: Tools;
  opening: OpenStore;
  inspection: Inspection;
  metrics: Metrics;
  closeIdleSockets: Gateway['closeIdleSockets'];
}

/** The parts that conversations share, and the registry that runs them. */
export type Conversations = ReturnType<typeof createConversations>;

/** Starts nothing: `registry.start` does. */
export function createConversations(context: StartContext, parts: ConversationParts) {
  const { settings, log, onError } = context;
  const { store } = parts.opening;
  const reads = createReadPermits(settings.follow(readLimits));
  settings.onApply(reads.refresh);
  const incidents = createIncidentReport({
    count: parts.metrics,
    log: (fields, message) => log.warn(fields, message),
    nowMs: () => performance.now(),
  });
  const delivery = createDelivery(
    settings.follow(({ chat }) => ({
      reader: store,
      reads,
      flushMs: chat.service.streaming.flush_ms,
      onError,
      onRefused: incidents.frameRefused,
    })),
  );
  const logCache = createLogCache(settings.follow((now) => ({ store, ...warmLimits(now) })));
  settings.onApply(logCache.resize);
  const permits = createPermits(settings.follow(({ chat }) => ({ most: chat.service.max_running_turns })));
  settings.onApply(permits.refresh);
  const notices = createServerNotices({
    mcpServers: parts.tools.mcpServers,
    delivery,
    *atWork() {
      for (const ref of permits.holders()) {
        const running = registry.state(ref)?.running;
        if (running) yield { ...ref, requestId: running };
      }
    },
  });
  const windowCheck = createWindowCheck(
    settings.follow((now) => ({
      ...windowLimits(now),
      model: parts.models.model,
      mcpServers: parts.tools.mcpServers,
      policy: toolPolicy(now),
      systemPrompt: now.chat.service.system_prompt,
      countTokens: parts.models.tokens.count,
      log,
      onError,
    })),
  );
  settings.onApply(windowCheck.check);
  const turnReport = createTurnReport({ log, metrics: parts.metrics });
  const shared = { store, delivery, logCache, permits, notices, windowCheck, turnReport, inFlight: createInFlight() };
  const registry: Registry = createRegistryOf(context, parts, shared);
  return { ...shared, reads, registry, incidents };
}

/** Parts that the chart's actors and the registry share. */
interface Shared {
  store: OpenStore['store'];
  delivery: ReturnType<typeof createDelivery>;
  logCache: ReturnType<typeof createLogCache>;
  permits: ReturnType<typeof createPermits>;
  notices: ReturnType<typeof createServerNotices>;
  windowCheck: WindowCheck;
  turnReport: TurnReport;
  inFlight: ReturnType<typeof createInFlight>;
}

function createChart(
  { settings, onError }: StartContext,
  { models, tools, metrics }: ConversationParts,
  shared: Shared,
) {
  const { mcpServers } = tools;
  return createConversationMachine(
    settings.follow((now) => ({
      ...shared,
      ...windowLimits(now),
      model: models.model,
      mcpServers,
      metrics,
      countTokens: models.tokens.count,
      keepDraft: createKeepDraft({ store: shared.store, intervalMs: ms(now.chat.service.streaming.draft_interval) }),
      systemPrompt: createSystemPrompt({
        text: now.chat.service.system_prompt,
        mcpServers,
        promptsAndResources: mcpServers.promptsAndResources,
        delivery: shared.delivery,
        ...promptResources(now),
      }),
      policy: toolPolicy(now),
      maxQuestions: now.mcp.limits.max_questions,
      onError,
    })),
  );
}

function createRegistryOf(context: StartContext, parts: ConversationParts, shared: Shared): Registry {
  const { settings, log, onError } = context;
  const { models, tools, opening, inspection } = parts;
  const { mcpServers } = tools;
  const config = settings.current();
  const machine = createChart(context, parts, shared);
  const conversation = settings.follow((now) => ({
    ...conversationLimits(now),
    providers: models.model.providers.map(({ name }) => name),
  }));
  const limits = settings.follow(registryLimits);
  return createRegistry(
    settings.follow((now) => ({
      ...shared,
      machine,
      countTokens: models.tokens.count,
      opened: opening.opened,
      conversation,
      registry: limits,
      logics: { writer: opening.writerLogic, mcpServer: mcpServers.logic },
      tasks: mcpServers,
      mcpServers: mcpServers.inputs,
      attachServer(name, actor) {
        mcpServers.attach(name, actor);
        logServerStatus(name, actor, log, () => mcpServers.outputOf(name));
        tools.nameCheck.watch(name, actor);
        inspection.addServer(actor);
        shared.notices.watch(name, actor);
        shared.windowCheck.watch(actor);
      },
      onStart: inspection.starting,
      toolsSettled: mcpServers.settled,
      dismiss: parts.closeIdleSockets,
      closeNeighbours: async () => {
        const closed = await Promise.allSettled([shared.store.close(), mcpServers.close(), models.tokens.close()]);
        for (const each of closed) if (each.status === 'rejected') onError(each.reason);
      },
      recoveringAtOnce: config.chat.service.recovery.max_concurrent,
      startupWaitMs: ms(config.mcp.connection.startup_wait),
      idleTimeoutMs: ms(now.chat.service.idle_timeout),
      maxLive: now.chat.service.max_live_conversations,
      quotas: quotas(now),
      onError,
      onCrash: (ref, error) => log.error({ conversation: ref.conversationId, err: error }, 'conversation failed'),
    })),
  );
}
