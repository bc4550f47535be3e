/**
 * Serves the page's data as JSON: conversations in memory and in the log, and open interrupts. Read-only: the page sends
 * responses to interrupts over the chat protocol, which checks the owner.
 */
import type { ConversationRef } from '../conversation-ref.ts';
import type { ListedConversation } from '../store/listing.ts';
import type { ListedLive } from './live/live-list.ts';
import type { PageSources } from './page-sources.ts';

/** What the API reads. */
export interface ApiDeps extends PageSources {
  /** Viewers see what people, models and tools wrote. */
  includeContent: boolean;
  /** Path of the chat protocol's WebSocket. */
  chatEndpoint: string;
  isWatched(ref: ConversationRef): boolean;
}

/** The API's handlers by name. A handler resolves with null if nothing is found, and rejects if the read fails. */
export type Api = Readonly<Record<string, (query: URLSearchParams, subject: string) => Promise<object | null>>>;

/** Conversations in a list: the default number, and the maximum. */
const LISTED = { first: 200, most: 2000 };
/** Longest search text, in UTF-16 units. */
const MAX_SEARCH_CHARS = 200;

/** Creates the JSON API of the inspection page. */
export function createApi(deps: ApiDeps): Api {
  const refIn = (query: URLSearchParams, subject: string): ConversationRef | null => {
    const conversationId = query.get('conversation');
    return conversationId ? { owner: query.get('owner') || subject, conversationId } : null;
  };
  const titled = async (listed: readonly ListedLive[]) => {
    const titles = deps.includeContent ? await deps.titles(listed) : [];
    return listed.map((each, index) => ({
      owner: each.owner,
      conversation_id: each.conversationId,
      title: titles[index] ?? null,
      state: each.state,
      hop: each.hop,
      idle_ms: each.idleMs,
      has_open_interrupt: each.hasOpenInterrupt,
      watched: deps.isWatched(each),
    }));
  };
  const stored = (each: ListedConversation) => ({
    conversation_id: each.conversationId,
    title: deps.includeContent ? each.title : null,
    updated_at: each.updatedAt,
    message_count: each.messageCount,
    activity: each.activity,
  });

  return {
    charts: async () => ({ charts: await deps.charts() }),
    async conversations(query, subject) {
      const limit = wholeNumber(query.get('limit'), LISTED.first, LISTED.most);
      const {
        conversations,
        states,
        busyWithInterrupt: asking,
      } = await deps.live({
        search: query.get('search') ?? '',
        state: query.get('state') ?? '',
        limit,
      });
      const { total } = await deps.waiting(0, 0);
      return {
        subject,
        include_content: deps.includeContent,
        chat_endpoint: deps.chatEndpoint,
        states,
        waiting: total + asking.length,
        conversations: await titled(conversations),
      };
    },
    async stored(query, subject) {
      const list = await deps.stored(query.get('owner') || subject, query.get('cursor'));
      return list && { next_cursor: list.nextCursor, conversations: list.conversations.map(stored) };
    },
    async waiting(query) {
      const offset = wholeNumber(query.get('offset'), 0, Number.MAX_SAFE_INTEGER);
      const [{ busyWithInterrupt: asking }, { conversations, total }] = await Promise.all([
        deps.live({ search: '', state: '', limit: 0 }),
        deps.waiting(LISTED.first, offset),
      ]);
      const next = offset + conversations.length;
      return {
        total: total + asking.length,
        // The log's list lacks conversations that also run other calls. The first page has them.
        busy: offset === 0 ? await titled(asking) : [],
        conversations: conversations.map((each) => ({
          owner: each.owner,
          conversation_id: each.conversationId,
          title: deps.includeContent ? each.title : null,
          updated_at: each.updatedAt,
          until_ms: each.untilMs,
        })),
        next_offset: next < total && conversations.length > 0 ? next : null,
      };
    },
    async search(query) {
      const text = (query.get('text') ?? '').slice(0, MAX_SEARCH_CHARS);
      if (!deps.includeContent || text === '')
        return { include_content: deps.includeContent, hits: [], next_cursor: null, read_back_to: null };
      const step = await deps.search(text, query.get('owner') || null, query.get('cursor'));
      return (
        step && {
          include_content: true,
          hits: step.hits.map((hit) => ({
            owner: hit.owner,
            conversation_id: hit.conversationId,
            title: hit.title,
            seq: hit.seq,
            type: hit.type,
            timestamp: hit.timestamp,
            excerpt: hit.excerpt,
            at: hit.at,
          })),
          next_cursor: step.nextCursor,
          read_back_to: step.readBackTo,
        }
      );
    },
    async replay(query, subject) {
      const ref = refIn(query, subject);
      const replay = ref && (await deps.replay(ref, seqIn(query.get('before'))));
      return (
        replay && {
          messages: replay.messages,
          rows: replay.rows,
          end_state: replay.endState,
          head_seq: replay.headSeq,
          before_seq: replay.beforeSeq,
        }
      );
    },
    async rows(query, subject) {
      const ref = refIn(query, subject);
      const rows = ref && (await deps.rowsAfter(ref, seqIn(query.get('after')) ?? 0));
      return rows && { rows: rows.rows, head_seq: rows.headSeq };
    },
    async row(query, subject) {
      const ref = refIn(query, subject);
      const seq = seqIn(query.get('seq'));
      const row = ref && seq !== null ? await deps.row(ref, seq) : null;
      return row && { row };
    },
    async interrupts(query, subject) {
      const ref = refIn(query, subject);
      return ref && { subject, may_answer: ref.owner === subject, interrupts: await deps.interrupts(ref) };
    },
  };
}

function wholeNumber(text: string | null, otherwise: number, most: number): number {
  return text !== null && /^\d{1,15}$/.test(text) ? Math.min(Number(text), most) : otherwise;
}

function seqIn(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
