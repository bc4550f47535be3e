/**
 * Provides the inspector's data: the page's files, the charts that ship, conversations in memory and in the log. Only
 * reads. The caller checks access first.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { conversationMachine } from '../../machines/conversation/machine.ts';
import { mcpServerMachine } from '../../machines/mcp-server.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import type { LiveConversation } from '../conversation/live-conversation.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { ConversationList } from '../store/listing.ts';
import type { Store } from '../store/port.ts';
import type { SearchStep } from '../store/search.ts';
import type { WaitingList } from '../store/waiting-conversations.ts';
import { createCharts, type Charts } from './charts/drawn-charts.ts';
import { listLive, type ListQuery, type LiveList } from './live/live-list.ts';
import { readOpenInterrupts, type OpenInterrupt } from './log/open-interrupts.ts';
import { replayConversation, type Replay, type ReplayDeps } from './log/replay.ts';
import { readRow, rowsAfter, type RowsAfter } from './log/rows.ts';

/** A file of the page, with its media type. */
export interface Asset {
  type: string;
  content: Buffer;
}

/** What the page's data comes from. */
export interface PageSourceDeps extends ReplayDeps {
  store: Pick<Store, 'page' | 'load' | 'conversations' | 'waitingForPeople' | 'titles' | 'search'>;
  /** Conversations in memory. */
  conversations(): Iterable<LiveConversation>;
  /** Longest time of one search step, in ms. */
  searchMs: number;
}

/** Reads of the log reject on failure. They resolve with null if nothing is found, or if the cursor is not valid. */
export interface PageSources {
  assets: ReadonlyMap<string, Asset>;
  charts: Charts;
  live(query: ListQuery): Promise<LiveList>;
  /** Titles, in the order of `refs`. */
  titles(refs: readonly ConversationRef[]): Promise<(string | null)[]>;
  /** An owner's conversations in the log, newest first. */
  stored(owner: string, cursor: string | null): Promise<ConversationList | null>;
  waiting(limit: number, offset: number): Promise<WaitingList>;
  search(text: string, owner: string | null, cursor: string | null): Promise<SearchStep | null>;
  replay(ref: ConversationRef, beforeSeq: number | null): Promise<Replay | null>;
  rowsAfter(ref: ConversationRef, afterSeq: number): Promise<RowsAfter | null>;
  row(ref: ConversationRef, seq: number): Promise<object | null>;
  interrupts(ref: ConversationRef): Promise<OpenInterrupt[]>;
}

/** Conversations of the log in one response. */
const LISTED_AT_ONCE = 100;
/** Hits of one search step. */
const HITS_AT_ONCE = 50;

/** Reads the page's files now, and everything else on request. */
export function createPageSources(deps: PageSourceDeps): PageSources {
  const { store } = deps;
  return {
    assets: readAssets(),
    charts: createCharts([conversationMachine, toolCallMachine, mcpServerMachine]),
    live: (query) => listLive(deps.conversations, query),
    titles: (refs) => store.titles(refs.map(({ owner, conversationId }) => ({ owner, conversationId }))),
    stored: (owner, cursor) =>
      store.conversations(owner, { limit: LISTED_AT_ONCE, ...(cursor === null ? {} : { cursor }) }),
    waiting: (limit, offset) => store.waitingForPeople({ limit, offset }),
    search: (text, owner, cursor) => store.search({ text, owner, cursor, limit: HITS_AT_ONCE, maxMs: deps.searchMs }),
    replay: (ref, beforeSeq) => replayConversation(ref, beforeSeq, deps),
    rowsAfter: (ref, afterSeq) => rowsAfter(ref, afterSeq, deps),
    row: (ref, seq) => readRow(ref, seq, deps),
    interrupts: (ref) => readOpenInterrupts(ref, deps),
  };
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The page's files by name. The server serves only these, so no path can leave the folder. */
function readAssets(): ReadonlyMap<string, Asset> {
  const folder = join(import.meta.dirname, 'page');
  const names = readdirSync(folder).filter((name) => extname(name) in TYPES);
  return new Map(
    names.map((name) => [name, { type: TYPES[extname(name)] ?? '', content: readFileSync(join(folder, name)) }]),
  );
}
