/** Builds the edge: the pages, the requests of clients, and the gateway that listens for both. */
import type { IncomingMessage } from 'node:http';
import { admissionLimits, decoderLimits, frameLimits, listeningOptions, sessionLimits } from '../config/options.ts';
import { credentialOf } from '../gateway/admission/credential.ts';
import { createPendingChats } from '../gateway/actions/pending-chats.ts';
import { createRequestHandler } from '../gateway/actions/request-handler.ts';
import { createSubscriptionOrder } from '../gateway/actions/subscription-order.ts';
import { createHttpHandler } from '../gateway/http.ts';
import { openGateway, type Gateway } from '../gateway/server.ts';
import { readPageFiles } from '../home/page-files.ts';
import { createHomeRoutes } from '../home/routes.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createDecoder } from '../protocol/decoder.ts';
import type { ReloadStatus } from '../reload.ts';
import { storageCause } from '../store/storage-problem.ts';
import { createAccessChecks, type AccessChecks } from './access.ts';
import type { StartContext } from './context.ts';
import type { Conversations } from './conversations.ts';
import { createInspectPages, type Feeds } from './inspection.ts';
import type { Models } from './models.ts';
import type { Tools } from './tools.ts';

/** The parts of the server that requests reach. */
export interface EdgeParts {
  models: Models;
  tools: Tools;
  conversations: Conversations;
  feeds: Feeds;
  metrics: Metrics;
  reload(): ReloadStatus;
}

/** Listens. Rejects with AppError `config_invalid` if the address cannot be used. */
export function openEdge(context: StartContext, parts: EdgeParts): Promise<Gateway> {
  const { settings, onError } = context;
  const { delivery, registry, store, incidents } = parts.conversations;
  const access = createAccessChecks(context, parts.metrics);
  const pages = createInspectPages(context, parts.feeds, access, { store, registry, incidents });
  const admission = settings.follow((now) => ({
    ...admissionLimits(now),
    verify: access.verify,
    refusalOf: (request: IncomingMessage) => access.access.socket(request),
    onRefused: access.onRefused,
    onError,
  }));
  const http = createPages(context, parts, access, pages.routes);
  const session = createSessionParts(context, parts);
  const frames = settings.follow(frameLimits);
  return openGateway(
    settings.follow((now) => ({
      ...listeningOptions(now),
      admission,
      delivery,
      onError,
      isServing: registry.isServing,
      http,
      viewers: pages.viewers,
      frames,
      session,
    })),
  );
}

/** HTTP: health, metrics, the start page, the documentation and the pages of inspection. */
function createPages(
  { settings, version, onError }: StartContext,
  { models, tools, conversations, metrics, reload }: EdgeParts,
  { access, verify, viewerAuthorizer, onRefused }: AccessChecks,
  inspection: ReturnType<typeof createInspectPages>['routes'],
) {
  const { auth, chat } = settings.current();
  const { isServing } = conversations.registry;
  const { endpoint } = chat.websocket;
  const home = createHomeRoutes({
    files: readPageFiles(),
    version,
    endpoint,
    isServing,
    activeModel: models.active,
    requiresToken: auth.mode === 'token',
    mayChat: async (request) => access.isOwnHost(request) && (await verify(credentialOf(request.headers))) !== null,
    mayInspect: (request) =>
      inspection !== null &&
      (auth.mode === 'none' || settings.current().inspect.viewers.length > 0) &&
      viewerAuthorizer.checkPage(request) === null,
  });
  return createHttpHandler({
    endpoint,
    version,
    isServing,
    storage() {
      const problem = conversations.registry.storageProblem();
      return problem === null ? { problem, message: null } : { problem, message: storageCause(problem) };
    },
    servers: tools.mcpServers.statuses,
    providers: models.model.status,
    reload,
    metrics,
    verify,
    isOwnHost: (request) => access.isOwnHost(request),
    home,
    inspection,
    refusalOf: (request) => access.page(request),
    onRefused,
    onError,
  });
}

/** WebSockets: the decoder and the handler of a session's requests. */
function createSessionParts({ settings, onError }: StartContext, { models, tools, conversations }: EdgeParts) {
  const { registry, store, delivery, reads } = conversations;
  const { mcpServers } = tools;
  const pendingChats = createPendingChats();
  const subscriptionOrder = createSubscriptionOrder();
  const requests = settings.follow(({ chat: { service } }) => ({
    registry,
    store,
    mcpServers,
    leftOut: (tools: Parameters<typeof models.model.leftOut>[2]) => {
      const { name, model } = models.active();
      return models.model.leftOut(name, model, tools);
    },
    promptsAndResources: mcpServers.promptsAndResources,
    pendingChats,
    subscriptionOrder,
    reads,
    delivery,
    onError,
    maxTextLength: service.max_text_length,
    streaming: service.streaming.enabled,
  }));
  const decoder = settings.follow((now) => ({
    decode: createDecoder({ ...decoderLimits(now), allowedModels: models.active().allowedModels }),
  }));
  return {
    decode: (text: string) => decoder.decode(text),
    handle: createRequestHandler(requests),
    limits: settings.follow(sessionLimits),
    incidents: conversations.incidents,
  };
}
