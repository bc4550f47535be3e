/** Builds inspection: the feeds of running conversations, and the pages and sockets that show them. */
import { randomBytes } from 'node:crypto';
import { conversationLimits, inspectionLimits, viewerLimits } from '../config/options.ts';
import { credentialOf } from '../gateway/admission/credential.ts';
import { createViewerSockets } from '../gateway/viewer-sockets.ts';
import { createApi } from '../inspect/api.ts';
import { createDefinitions } from '../inspect/stately-format.ts';
import { createInspection, type InspectionOptions } from '../inspect/live/inspection.ts';
import { createPageSources } from '../inspect/page-sources.ts';
import { createInspectRoutes } from '../inspect/routes.ts';
import type { IncidentReport } from '../observability/incident-report.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store } from '../store/port.ts';
import type { AccessChecks } from './access.ts';
import type { StartContext } from './context.ts';

/** The feeds, and what the pages share with them. */
export type Feeds = ReturnType<typeof createFeeds>;

/** Creates the feeds of the inspection page. */
export function createFeeds({ settings, onError }: StartContext, { actorOf }: Pick<InspectionOptions, 'actorOf'>) {
  const watched = {
    definitions: createDefinitions(),
    bootId: randomBytes(4).toString('hex'),
    nowMs: Date.now,
    onError,
  };
  const inspection = createInspection(settings.follow((now) => ({ ...watched, ...inspectionLimits(now), actorOf })));
  return { watched, inspection };
}

/** The HTTP routes and the sockets of viewers; both null if `inspect.enabled` is false. */
export function createInspectPages(
  { settings, onError }: StartContext,
  { watched, inspection }: Feeds,
  { access, viewerAuthorizer, onRefused }: AccessChecks,
  { store, registry, incidents }: { store: Store; registry: Registry; incidents: IncidentReport },
) {
  const config = settings.current();
  if (!config.inspect.enabled) return { routes: null, viewers: null };
  const sources = createPageSources(
    settings.follow((now) => ({
      ...watched,
      ...inspectionLimits(now),
      store,
      conversations: registry.conversations,
      recovery: conversationLimits(now).recovery,
      maxRows: config.inspect.max_events,
      searchMs: config.inspect.search_time_ms,
    })),
  );
  const api = createApi({
    ...sources,
    includeContent: inspectionLimits(config).limits.includeContent,
    chatEndpoint: config.chat.websocket.endpoint,
    isWatched: inspection.isWatched,
  });
  const routes = createInspectRoutes({
    assets: sources.assets,
    api,
    authorizer: viewerAuthorizer,
    credentialOf,
    onRefused,
    onError,
  });
  const viewers = createViewerSockets(
    settings.follow((now) => ({
      ...viewerLimits(now),
      path: '/inspect/events',
      refusalOf: (request) => access.viewer(request),
      authorize: viewerAuthorizer.authorize,
      onRefused,
      onFrameRate: () => incidents.socketClosed('frame_rate'),
      watch: inspection.watch,
      unwatch: inspection.unwatch,
      onError,
    })),
  );
  return { routes, viewers };
}
