/**
 * Searches titles and texts of the log, newest first, one bounded step at a time: a step ends when its time is used up
 * or its page is full, and its cursor says where the next one begins. Runs in the read thread. A scan, not an index.
 */
import type { Database } from 'better-sqlite3';
import type { ConversationRef } from '../conversation-ref.ts';

/** One step of a search. */
export interface SearchQuery {
  /** What to find, without regard to case. */
  text: string;
  /** Whose conversations; null for all. */
  owner: string | null;
  /** Where the last step ended; null begins a search. */
  cursor: string | null;
  /** Most hits of one step. */
  limit: number;
  /** Longest time of one step, in ms. */
  maxMs: number;
}

/** One place that has the text. */
export interface SearchHit extends ConversationRef {
  title: string | null;
  /** The row with the text; null if the title has it. */
  seq: number | null;
  /** Of the row; `title` for a title. */
  type: string;
  /** UTC, ISO 8601; null if the row has none. */
  timestamp: string | null;
  /** The text around the place, and where in it the place is, in UTF-16 units. */
  excerpt: string;
  at: number;
}

/** What one step found. */
export interface SearchStep {
  /** Titles first, then rows; the newest first in each. */
  hits: SearchHit[];
  /** Continues the search; null when everything has been read. */
  nextCursor: string | null;
  /** How far back the step has read: UTC, ISO 8601; null while only titles were read. */
  readBackTo: string | null;
}

/** Null for a cursor that is not from this store. */
export type Search = (query: SearchQuery) => SearchStep | null;

/** A title or a row. `owner` is null for a row without a conversation, such as a deleted one. */
interface Candidate {
  place: number;
  owner: string | null;
  conversationId: string | null;
  title: string | null;
  seq: number | null;
  type: string;
  timestamp: string | null;
  content: string | null;
  reasoning: string | null;
}

/** UTF-16 units of an excerpt before and after the place. */
const AROUND = 60;

/** Prepares the search in titles and texts. One call reads a bounded number of rows. */
export function createSearch(db: Database): Search {
  const titles = db.prepare<[number], Candidate>(`
    SELECT rowid AS place, owner, name AS conversationId, title, NULL AS seq, 'title' AS type, updated_at AS timestamp, title AS content, NULL AS reasoning
      FROM conversations WHERE rowid < ? ORDER BY rowid DESC`);
  // Rows of other owners are skipped below, not by the statement, which could take any length of time to find a match.
  const texts = db.prepare<[number], Candidate>(`
    SELECT chat_events.rowid AS place, owner, name AS conversationId, title, seq, type, timestamp, content,
           CASE WHEN type = 'assistant_message' AND json_valid(extra) THEN extra ->> 'reasoning' END AS reasoning
      FROM chat_events LEFT JOIN conversations ON conversations.id = chat_events.conversation_id
     WHERE chat_events.rowid < ? ORDER BY chat_events.rowid DESC`);

  return ({ text, owner, cursor, limit, maxMs }) => {
    const place = cursor === null ? (['titles', Number.MAX_SAFE_INTEGER] as const) : readCursor(cursor);
    if (place === null) return null;
    const untilMs = performance.now() + maxMs;
    const wanted = new RegExp(RegExp.escape(text), 'iu');
    const hits: SearchHit[] = [];
    let readBackTo: string | null = null;
    let [part, before] = place;
    for (const each of part === 'titles' ? (['titles', 'texts'] as const) : (['texts'] as const)) {
      if (each !== part) [part, before] = [each, Number.MAX_SAFE_INTEGER];
      for (const candidate of (each === 'titles' ? titles : texts).iterate(before)) {
        before = candidate.place;
        if (each === 'texts') readBackTo = candidate.timestamp ?? readBackTo;
        if (owner === null || owner === candidate.owner) hits.push(...hitsIn(candidate, wanted));
        if (hits.length >= limit || performance.now() >= untilMs)
          return { hits, nextCursor: writeCursor(part, before), readBackTo };
      }
    }
    return { hits, nextCursor: null, readBackTo };
  };
}

/** The first place in the text, else in the reasoning; one hit a row at most. */
function hitsIn(
  { owner, conversationId, title, seq, type, timestamp, content, reasoning }: Candidate,
  wanted: RegExp,
): SearchHit[] {
  if (owner === null || conversationId === null) return [];
  for (const text of [content, reasoning]) {
    const at = text?.search(wanted) ?? -1;
    if (text === null || at < 0) continue;
    const from = Math.max(0, at - AROUND);
    const excerpt = text.slice(from, at + 2 * AROUND).toWellFormed();
    return [
      {
        owner,
        conversationId,
        title,
        seq,
        type: text === reasoning ? 'reasoning' : type,
        timestamp,
        excerpt,
        at: at - from,
      },
    ];
  }
  return [];
}

function writeCursor(part: string, before: number): string {
  return Buffer.from(JSON.stringify([part, before])).toString('base64url');
}

/** Checked by hand: a schema's library would take half of the thread's start. */
function readCursor(cursor: string): [part: 'titles' | 'texts', before: number] | null {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(place) || place.length !== 2) return null;
    const [part, before]: unknown[] = place;
    if ((part !== 'titles' && part !== 'texts') || typeof before !== 'number') return null;
    return Number.isSafeInteger(before) ? [part, before] : null;
  } catch {
    return null;
  }
}
