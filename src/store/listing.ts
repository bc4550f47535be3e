/**
 * Lists an owner's conversations page by page, ordered by their last updates: by the numbers of these, not
 * by the clock, which may be set back. The order changes all the time, so a page begins
 * below the place where the last page ended, even if conversations moved to the top since. Runs in the read thread.
 */
import type { Database } from 'better-sqlite3';

/** One conversation of a list. */
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

/** One page. */
export interface ConversationList {
  /** Newest first. */
  conversations: ListedConversation[];
  /** Where the next page begins, in this store's own format. Null on the last page. */
  nextCursor: string | null;
}

/** Null for a cursor that is not from this store. */
export type Listing = (owner: string, limit: number, cursor: string | null) => ConversationList | null;

/** Above the number of every update. */
const TOP = Number.MAX_SAFE_INTEGER;

interface Found extends ListedConversation {
  /** Unique within an owner. */
  updatedSeq: number;
}

/** Prepares the queries for pages of an owner's conversations. */
export function createListing(db: Database): Listing {
  const below = db.prepare<{ owner: string; limit: number; below: number }, Found>(`
    SELECT name AS conversationId, title, created_at AS createdAt, updated_at AS updatedAt,
           message_count AS messageCount, total_tokens AS tokens, spent_tokens AS spentTokens, cost, head_seq AS headSeq, updated_seq AS updatedSeq,
           COALESCE((SELECT CASE WHEN MAX(waiting_until) IS NULL THEN 'running' ELSE 'waiting' END
                       FROM turns WHERE conversation_id = conversations.id AND ended_at IS NULL
                      GROUP BY conversation_id), 'idle') AS activity
      FROM conversations
     WHERE owner = @owner AND updated_seq < @below ORDER BY updated_seq DESC LIMIT @limit`);

  return (owner, limit, cursor) => {
    const from = cursor === null ? TOP : readCursor(cursor);
    if (from === null) return null;
    // One extra conversation shows whether there is another page.
    const found = below.all({ owner, limit: limit + 1, below: from });
    const shown = found.slice(0, limit);
    const last = shown.at(-1);
    return {
      conversations: shown.map(({ updatedSeq: _, ...conversation }) => conversation),
      nextCursor: last === undefined || found.length <= limit ? null : writeCursor(last.updatedSeq),
    };
  };
}

function writeCursor(updatedSeq: number): string {
  return Buffer.from(JSON.stringify([updatedSeq])).toString('base64url');
}

/** Checked by hand: a schema's library would take half of the thread's start. */
function readCursor(cursor: string): number | null {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(place) || place.length !== 1) return null;
    const [updatedSeq]: unknown[] = place;
    return typeof updatedSeq === 'number' && Number.isSafeInteger(updatedSeq) && updatedSeq > 0 ? updatedSeq : null;
  } catch {
    return null;
  }
}
