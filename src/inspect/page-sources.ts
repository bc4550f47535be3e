/**
 * What the page of inspection shows and where it is from: its own files, the charts as they ship, the conversations
 * that run, and those of the log. Reads only; who may see it is asked before.
 */
import { conversationMachine } from '../../machines/conversation.ts';
import { mcpServerMachine } from '../../machines/mcp-server.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import type { LiveConversation } from '../conversation/live-conversation.ts';
import type { Store } from '../store/port.ts';
import { readAssets } from './assets.ts';
import { createCharts } from './charts.ts';
import { listLive } from './live-list.ts';
import { replayConversation, type ReplayDeps } from './replay.ts';
import type { InspectRoutes } from './routes.ts';

export interface PageSourceDeps extends ReplayDeps {
  store: Pick<Store, 'page' | 'standing' | 'conversations'>;
  /** Those in memory. */
  conversations(): Iterable<LiveConversation>;
}

/** Conversations of the log in one answer. */
const LISTED_AT_ONCE = 100;

/** Reads the page's files at once, all else when it is asked for. */
export function createPageSources(deps: PageSourceDeps): Pick<InspectRoutes, 'assets' | 'charts' | 'live' | 'stored' | 'replay'> {
  return {
    assets: readAssets(),
    charts: createCharts([conversationMachine, toolCallMachine, mcpServerMachine]),
    live: (query) => listLive(deps.conversations, query),
    stored: (owner, cursor) => deps.store.conversations(owner, { limit: LISTED_AT_ONCE, ...(cursor === null ? {} : { cursor }) }),
    replay: (ref, beforeSeq) => replayConversation(ref, beforeSeq, deps),
  };
}
