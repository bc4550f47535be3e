/**
 * Prepares the reads of the log, once for a connection. Runs in the read thread (in the write thread for a database in
 * memory) and returns plain columns. The main thread decodes and interprets them.
 */
import type { Database } from 'better-sqlite3';
import type { WrittenDraft } from '../../machines/conversation/turn-state.ts';
import { roundCost, type Spent } from '../../machines/usage.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { StoredRow } from './columns.ts';
import { createForkPoints } from './fork-points.ts';
import type { ForkPoints } from './fork-points.ts';
import { createListing } from './listing.ts';
import type { Listing } from './listing.ts';
import { createRewindPoints, type StoredRewindPoint } from './rewind-points.ts';
import { rowColumns } from './file/schema.ts';
import type { PageRange, StoredTurn } from './port.ts';
import { createSearch, type Search } from './search.ts';
import { createWaitingConversations, type WaitingConversations } from './waiting-conversations.ts';
import { createWindow, type WindowSize } from './newest-rows.ts';

export interface StoredConversation {
  known: boolean;
  headSeq: number;
  oldestSeq: number;
  rows: StoredRow[];
  open: StoredTurn[];
  draft: WrittenDraft | null;
  /** JSON. */
  remembered: string | null;
  spent: Spent;
}

export interface StoredPage {
  rows: StoredRow[];
  headSeq: number;
  oldestSeq: number;
}

export interface StoredTurnRows {
  digest: string;
  rows: StoredRow[];
  /** JSON; null while the turn is open. */
  end: string | null;
}

/** `extra` of the rows, as text. */
export interface StoredInterrupt {
  question: string | null;
  answer: string | null;
}

export interface Queries extends WaitingConversations {
  load(owner: string, conversationId: string, least: WindowSize): StoredConversation;
  page(owner: string, conversationId: string, range: PageRange): StoredPage | null;
  turn(owner: string, conversationId: string, requestId: string): StoredTurnRows | null;
  interrupt(owner: string, conversationId: string, interruptId: string): StoredInterrupt | null;
  rewindPoint(owner: string, conversationId: string, seq: number): StoredRewindPoint | null;
  unfinished(): ConversationRef[];
  overdue(nowMs: number, limit: number): ConversationRef[];
  conversations: Listing;
  forkPoints: ForkPoints;
  search: Search;
}

interface FoundConversation extends Spent {
  id: string;
  headSeq: number;
  oldestSeq: number;
  remembered: string | null;
}

interface Bounds {
  conversationId: string;
  after: number;
  before: number;
  limit: number;
}

/** Most text of a page, unless one row has more: the log keeps whole tool results, and frames are strings. */
const PAGE_CHARS = 1024 * 1024;

function upToPageChars(found: Iterable<StoredRow>): StoredRow[] {
  const rows: StoredRow[] = [];
  let chars = 0;
  for (const row of found) {
    chars += (row.content?.length ?? 0) + (row.tool_calls?.length ?? 0) + (row.extra?.length ?? 0);
    if (rows.length > 0 && chars > PAGE_CHARS) break;
    rows.push(row);
  }
  return rows;
}

/** Prepares the queries of the read thread. */
export function createQueries(db: Database): Queries {
  const findConversation = db.prepare<[string, string], FoundConversation>(
    'SELECT id, head_seq AS headSeq, oldest_seq AS oldestSeq, remembered, spent_tokens AS tokens, cost FROM conversations WHERE owner = ? AND name = ?',
  );
  const between = `SELECT ${rowColumns} FROM chat_events
    WHERE conversation_id = @conversationId AND seq > @after AND seq < @before`;
  const oldestBetween = db.prepare<Bounds, StoredRow>(`${between} ORDER BY seq LIMIT @limit`);
  const newestBetween = db.prepare<Bounds, StoredRow>(`${between} ORDER BY seq DESC LIMIT @limit`);
  const window = createWindow(db);
  const rewindPoint = createRewindPoints(db);
  const openTurns = db.prepare<[string], StoredTurn>(`
    SELECT request_id AS requestId, begin_seq AS beginSeq, NULL AS "end" FROM turns
     WHERE conversation_id = ? AND ended_at IS NULL ORDER BY begin_seq`);
  const findTurn = db.prepare<
    [string, string],
    { digest: string; beginSeq: number; endSeq: number | null; end: string | null }
  >(`
    SELECT digest, begin_seq AS beginSeq, end_seq AS endSeq, "end" FROM turns WHERE conversation_id = ? AND request_id = ?`);
  const rowsOfTurn = db.prepare<[string, number, number, string], StoredRow>(`
    SELECT ${rowColumns} FROM chat_events
     WHERE conversation_id = ? AND seq BETWEEN ? AND ? AND request_id = ? ORDER BY seq`);
  const findDraft = db.prepare<[string], WrittenDraft>(`
    SELECT request_id AS requestId, message_id AS messageId, text, reasoning, model FROM drafts WHERE conversation_id = ?`);
  const findExtra = db.prepare<[string, string], { extra: string | null }>(
    'SELECT extra FROM chat_events WHERE id = ? AND conversation_id = ?',
  );
  const unfinished = db.prepare<[], ConversationRef>(`
    SELECT owner, name AS conversationId FROM conversations
     WHERE id IN (SELECT conversation_id FROM turns WHERE ended_at IS NULL AND waiting_until IS NULL)`);
  const overdue = db.prepare<[number, number], ConversationRef>(`
    SELECT DISTINCT owner, name AS conversationId
      FROM turns JOIN conversations ON conversations.id = turns.conversation_id
     WHERE waiting_until <= ? ORDER BY waiting_until LIMIT ?`);
  /** Reads nothing of an unknown or foreign conversation. */
  const ofConversation = <Asked extends unknown[], Answer>(
    read: (conversation: FoundConversation, ...asked: Asked) => Answer | null,
  ) =>
    db.transaction((owner: string, name: string, ...asked: Asked) => {
      const conversation = findConversation.get(owner, name);
      return conversation === undefined ? null : read(conversation, ...asked);
    });

  return {
    load: db.transaction((owner: string, name: string, least: WindowSize) => {
      const conversation = findConversation.get(owner, name);
      if (conversation === undefined)
        return {
          known: false,
          headSeq: 0,
          oldestSeq: 1,
          rows: [],
          open: [],
          draft: null,
          remembered: null,
          spent: { tokens: 0, cost: 0 },
        };
      const { id, headSeq, oldestSeq, remembered, tokens, cost } = conversation;
      const open = openTurns.all(id);
      const rows = window(id, least, open);
      return {
        known: true,
        headSeq,
        oldestSeq,
        rows,
        open,
        draft: findDraft.get(id) ?? null,
        remembered,
        spent: { tokens, cost: roundCost(cost) },
      };
    }),

    page: ofConversation(({ id: conversationId, headSeq, oldestSeq }, range: PageRange) => {
      const { afterSeq, beforeSeq = Number.MAX_SAFE_INTEGER, limit } = range;
      const bounds = { conversationId, after: afterSeq ?? -1, before: beforeSeq, limit };
      const rows =
        afterSeq === undefined
          ? upToPageChars(newestBetween.iterate(bounds)).toReversed()
          : upToPageChars(oldestBetween.iterate(bounds));
      return { rows, headSeq, oldestSeq };
    }),

    turn: ofConversation(({ id }, requestId: string) => {
      const turn = findTurn.get(id, requestId);
      if (turn === undefined) return null;
      const { digest, beginSeq, endSeq, end } = turn;
      return { digest, rows: rowsOfTurn.all(id, beginSeq, endSeq ?? Number.MAX_SAFE_INTEGER, requestId), end };
    }),

    interrupt: ofConversation(({ id }, interruptId: string) => {
      const question = findExtra.get(interruptId, id);
      if (question === undefined) return null;
      return { question: question.extra, answer: findExtra.get(`${interruptId}:response`, id)?.extra ?? null };
    }),

    rewindPoint: ofConversation(({ id }, seq: number) => rewindPoint(id, seq)),

    unfinished: () => unfinished.all(),

    overdue: (nowMs, limit) => overdue.all(nowMs, limit),

    conversations: createListing(db),

    forkPoints: createForkPoints(db),

    search: createSearch(db),

    ...createWaitingConversations(db),
  };
}
