/**
 * Lists conversations of all owners whose turn only waits for a person, and the titles of conversations by id. Runs in the
 * read thread.
 */
import type { Database } from 'better-sqlite3';
import type { ConversationRef } from '../conversation-ref.ts';

/** One conversation that waits. */
export interface WaitingConversation extends ConversationRef {
  /** The first words of its first message. Null if there is none. */
  title: string | null;
  /** UTC, ISO 8601; of its last row. */
  updatedAt: string;
  /** When the wait ends, in ms since the epoch. */
  untilMs: number;
}

/** One page. */
export interface WaitingList {
  /** Earliest deadline first. */
  conversations: WaitingConversation[];
  /** Of all pages. */
  total: number;
}

/** The reads of one connection. */
export interface WaitingConversations {
  waiting(limit: number, offset: number): WaitingList;
  /** In the order of `refs`. Null for an unknown conversation, and for one without a title. */
  titles(refs: readonly ConversationRef[]): (string | null)[];
}

/** Prepares the list of conversations that wait for a person. */
export function createWaitingConversations(db: Database): WaitingConversations {
  const list = db.prepare<[number, number], WaitingConversation>(`
    SELECT owner, name AS conversationId, title, updated_at AS updatedAt, MIN(waiting_until) AS untilMs
      FROM turns JOIN conversations ON conversations.id = turns.conversation_id
     WHERE waiting_until IS NOT NULL GROUP BY conversations.id ORDER BY untilMs, conversations.id LIMIT ? OFFSET ?`);
  const count = db
    .prepare<[], number>(`
    SELECT COUNT(DISTINCT turns.conversation_id)
      FROM turns JOIN conversations ON conversations.id = turns.conversation_id
     WHERE waiting_until IS NOT NULL`)
    .pluck();
  const title = db
    .prepare<[string, string], string | null>('SELECT title FROM conversations WHERE owner = ? AND name = ?')
    .pluck();
  return {
    waiting: (limit, offset) => ({ conversations: list.all(limit, offset), total: count.get() ?? 0 }),
    titles: (refs) => refs.map(({ owner, conversationId }) => title.get(owner, conversationId) ?? null),
  };
}
