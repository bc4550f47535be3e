/**
 * Lists an owner's conversations page by page, ordered by their last rows. The order changes all the time, so a page begins
 * below the place where the last page ended, even if conversations moved to the top since. Runs in the read thread.
 */
import type { Database } from 'better-sqlite3';

export interface ListedConversation {
  conversationId: string;
  /** The first words of its first message. Null if there is none. */
  title: string | null;
  /** UTC, ISO 8601: of its first and its last row. For a fork: of the fork itself. */
  createdAt: string;
  updatedAt: string;
  /** Of the rows that retention kept: user and assistant messages, and the sum of `token_count`. */
  messageCount: number;
  tokens: number;
  /** Of all its answers, deleted rows included. */
  spentTokens: number;
  cost: number;
  headSeq: number;
  /** `waiting`: for a person. `running`: it has open turns. */
  activity: 'idle' | 'running' | 'waiting';
}

export interface ConversationList {
  /** Newest first. */
  conversations: ListedConversation[];
  /** Where the next page begins, in this store's own format. Null on the last page. */
  nextCursor: string | null;
}

/** Null for a cursor that is not from this store. */
export type Listing = (owner: string, limit: number, cursor: string | null) => ConversationList | null;

/** A place in the order. Unique within an owner. */
interface Place {
  updatedAt: string;
  name: string;
}

/** Above every time. */
const top: Place = { updatedAt: '~', name: '' };

/** Prepares the queries for pages of an owner's conversations. */
export function createListing(db: Database): Listing {
  const below = db.prepare<Place & { owner: string; limit: number }, ListedConversation>(`
    SELECT name AS conversationId, title, created_at AS createdAt, updated_at AS updatedAt,
           message_count AS messageCount, total_tokens AS tokens, spent_tokens AS spentTokens, cost, head_seq AS headSeq,
           COALESCE((SELECT CASE WHEN MAX(waiting_until) IS NULL THEN 'running' ELSE 'waiting' END
                       FROM turns WHERE conversation_id = conversations.id AND ended_at IS NULL
                      GROUP BY conversation_id), 'idle') AS activity
      FROM conversations
     WHERE owner = @owner AND (updated_at, name) < (@updatedAt, @name)
     ORDER BY updated_at DESC, name DESC LIMIT @limit`);

  return (owner, limit, cursor) => {
    const place = cursor === null ? top : readCursor(cursor);
    if (place === null) return null;
    // One extra conversation shows whether there is another page.
    const found = below.all({ owner, limit: limit + 1, ...place });
    const conversations = found.slice(0, limit);
    const last = conversations.at(-1);
    return { conversations, nextCursor: last === undefined || found.length <= limit ? null : writeCursor(last) };
  };
}

function writeCursor({ updatedAt, conversationId }: ListedConversation): string {
  return Buffer.from(JSON.stringify([updatedAt, conversationId])).toString('base64url');
}

/** Checked by hand: a schema's library would take half of the thread's start. */
function readCursor(cursor: string): Place | null {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(place) || place.length !== 2) return null;
    const [updatedAt, name]: unknown[] = place;
    if (typeof updatedAt !== 'string' || typeof name !== 'string' || !isTime.test(updatedAt)) return null;
    if (Number.isNaN(Date.parse(updatedAt))) return null;
    return { updatedAt, name };
  } catch {
    return null;
  }
}

/** UTC, ISO 8601, as rows carry it. */
const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z$/;
