/**
 * Answers the requests of the page: what runs, what the log has, what waits for people. Read-only: a person's answer
 * goes to the server as a request of the chat protocol, which knows whose conversation it is.
 */
import type { ConversationRef } from '../conversation-ref.ts';
import type { ListedConversation } from '../store/listing.ts';
import type { ListedLive } from './live/live-list.ts';
import type { PageSources } from './page-sources.ts';

export interface ApiDeps extends PageSources {
  /** Whether viewers see texts. */
  texts: boolean;
  /** Path of the chat protocol's WebSocket. */
  chatEndpoint: string;
  isWatched(ref: ConversationRef): boolean;
}

/** Answers of the API by name. Null for what does not exist; rejects when it cannot be read. */
export type Api = Readonly<Record<string, (query: URLSearchParams, subject: string) => Promise<object | null>>>;

/** Conversations of a list before the page asks for more, and at most. */
const LISTED = { first: 200, most: 2000 };
/** Longest text that is searched for. */
const MAX_SEARCH_CHARS = 200;

export function createApi(deps: ApiDeps): Api {
  const refIn = (query: URLSearchParams, subject: string): ConversationRef | null => {
    const conversationId = query.get('conversation');
    return conversationId ? { owner: query.get('owner') || subject, conversationId } : null;
  };
  const titled = async (listed: readonly ListedLive[]) => {
    const titles = deps.texts ? await deps.titles(listed) : [];
    return listed.map((each, index) => ({
      owner: each.owner,
      conversation_id: each.conversationId,
      title: titles[index] ?? null,
      state: each.state,
      hop: each.hop,
      idle_ms: each.idleMs,
      asks: each.isAsking,
      watched: deps.isWatched(each),
    }));
  };
  const stored = (each: ListedConversation) => ({
    conversation_id: each.conversationId,
    title: deps.texts ? each.title : null,
    updated_at: each.updatedAt,
    message_count: each.messageCount,
    activity: each.activity,
  });

  return {
    charts: async () => ({ charts: await deps.charts() }),
    async conversations(query, subject) {
      const limit = wholeNumber(query.get('limit'), LISTED.first, LISTED.most);
      const { conversations, states, asking } = await deps.live({
        search: query.get('search') ?? '',
        state: query.get('state') ?? '',
        limit,
      });
      const { total } = await deps.waiting(0, 0);
      return {
        subject,
        texts: deps.texts,
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
      const [{ asking }, { conversations, total }] = await Promise.all([
        deps.live({ search: '', state: '', limit: 0 }),
        deps.waiting(LISTED.first, offset),
      ]);
      const next = offset + conversations.length;
      return {
        total: total + asking.length,
        // What asks beside other work is not in the log's list, and comes before it.
        asking: offset === 0 ? await titled(asking) : [],
        conversations: conversations.map((each) => ({
          owner: each.owner,
          conversation_id: each.conversationId,
          title: deps.texts ? each.title : null,
          updated_at: each.updatedAt,
          until_ms: each.untilMs,
        })),
        next_offset: next < total && conversations.length > 0 ? next : null,
      };
    },
    async search(query) {
      const text = (query.get('text') ?? '').slice(0, MAX_SEARCH_CHARS);
      if (!deps.texts || text === '') return { texts: deps.texts, hits: [], next_cursor: null, read_back_to: null };
      const step = await deps.search(text, query.get('owner') || null, query.get('cursor'));
      return (
        step && {
          texts: true,
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
          standing: replay.standing,
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
    async questions(query, subject) {
      const ref = refIn(query, subject);
      return ref && { subject, may_answer: ref.owner === subject, questions: await deps.questions(ref) };
    },
  };
}

function wholeNumber(text: string | null, otherwise: number, most: number): number {
  return text !== null && /^\d{1,15}$/.test(text) ? Math.min(Number(text), most) : otherwise;
}

function seqIn(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
