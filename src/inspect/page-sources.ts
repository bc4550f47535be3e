/**
 * Provides what the page of inspection shows: its own files, the charts as they ship, the conversations that run, and
 * those of the log. Reads only; access is decided before.
 */
import { conversationMachine } from '../../machines/conversation/machine.ts';
import { mcpServerMachine } from '../../machines/mcp-server.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import type { LiveConversation } from '../conversation/live-conversation.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { ConversationList } from '../store/listing.ts';
import type { Store } from '../store/port.ts';
import type { SearchStep } from '../store/search.ts';
import type { WaitingList } from '../store/waiting-conversations.ts';
import { readAssets, type Asset } from './assets.ts';
import { createCharts, type Charts } from './charts.ts';
import { listLive, type ListQuery, type LiveList } from './live-list.ts';
import { openQuestions, type OpenQuestion } from './open-questions.ts';
import { replayConversation, type Replay, type ReplayDeps } from './replay.ts';
import { readRow, rowsAfter, type RowsAfter } from './rows.ts';

export interface PageSourceDeps extends ReplayDeps {
  store: Pick<Store, 'page' | 'load' | 'conversations' | 'waitingForPeople' | 'titles' | 'search'>;
  /** Those in memory. */
  conversations(): Iterable<LiveConversation>;
  /** Longest time of one step of a search, in ms. */
  searchMs: number;
}

/** A read of the log rejects when it fails; null is for what does not exist, and for a cursor that is none. */
export interface PageSources {
  assets: ReadonlyMap<string, Asset>;
  charts: Charts;
  live(query: ListQuery): Promise<LiveList>;
  /** Titles, in the order of the conversations. */
  titles(refs: readonly ConversationRef[]): Promise<(string | null)[]>;
  /** What the log has of an owner, newest first. */
  stored(owner: string, cursor: string | null): Promise<ConversationList | null>;
  waiting(limit: number, offset: number): Promise<WaitingList>;
  search(text: string, owner: string | null, cursor: string | null): Promise<SearchStep | null>;
  replay(ref: ConversationRef, beforeSeq: number | null): Promise<Replay | null>;
  rowsAfter(ref: ConversationRef, afterSeq: number): Promise<RowsAfter | null>;
  row(ref: ConversationRef, seq: number): Promise<object | null>;
  questions(ref: ConversationRef): Promise<OpenQuestion[]>;
}

/** Conversations of the log in one answer. */
const LISTED_AT_ONCE = 100;
/** Hits of one step of a search. */
const HITS_AT_ONCE = 50;

/** Reads the page's files at once, all else when it is asked for. */
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
    questions: (ref) => openQuestions(ref, deps),
  };
}
