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
import { shownRowColumns } from './file/schema.ts';
import { createPages, upToPageChars, type StoredEvents, type StoredPage } from './pages.ts';
import type { PageRange, StoredTurn, TurnRange } from './port.ts';
import { createSearch, type Search } from './search.ts';
import { createWaitingConversations, type WaitingConversations } from './waiting-conversations.ts';
import { createWindow, type WindowSize } from './newest-rows.ts';

/** What a load finds, with columns as they are in the file. */
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

/** What a read of a turn finds. */
export interface StoredTurnRows {
  digest: string;
  rows: StoredRow[];
  /** True if the turn has rows after these. */
  more: boolean;
  /** The seqs of its first and last row. Null while it is open, or if retention deleted the row. */
  beginSeq: number | null;
  endSeq: number | null;
  /** The seq of the message that the reader has begun. Null if it is no row. */
  seenSeq: number | null;
  /** JSON; null while the turn is open. */
  end: string | null;
}

/** `extra` of the rows, as text. */
export interface StoredInterrupt {
  question: string | null;
  answer: string | null;
}

/** The reads of one connection. They throw SQLite's errors. */
export interface Queries extends WaitingConversations {
  load(owner: string, conversationId: string, least: WindowSize): StoredConversation;
  page(owner: string, conversationId: string, range: PageRange): StoredPage | null;
  events(owner: string, conversationId: string, range: PageRange): StoredEvents | null;
  turn(owner: string, conversationId: string, requestId: string, range: TurnRange): StoredTurnRows | null;
  digest(owner: string, conversationId: string, requestId: string): string | null;
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

/** Prepares the queries of the read thread. */
export function createQueries(db: Database): Queries {
  const findConversation = db.prepare<[string, string], FoundConversation>(
    'SELECT id, head_seq AS headSeq, oldest_seq AS oldestSeq, remembered, spent_tokens AS tokens, cost FROM conversations WHERE owner = ? AND name = ?',
  );
  const pages = createPages(db);
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
  const rowsOfTurn = db.prepare<[string, number, number, string], StoredRow & { bytes: number }>(`
    SELECT ${shownRowColumns}, octet_length(extra) AS bytes FROM chat_events
     WHERE conversation_id = ? AND seq BETWEEN ? AND ? AND request_id = ? ORDER BY seq`);
  const findSeq = db.prepare<[string, string], { seq: number }>(
    'SELECT seq FROM chat_events WHERE id = ? AND conversation_id = ?',
  );
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

    page: ofConversation(({ id, headSeq, oldestSeq }, range: PageRange) => ({
      rows: pages.rows(id, range),
      headSeq,
      oldestSeq,
    })),

    events: ofConversation(({ id, headSeq, oldestSeq }, range: PageRange) => ({
      rows: pages.events(id, range),
      headSeq,
      oldestSeq,
    })),

    turn: ofConversation(({ id, oldestSeq }, requestId: string, { afterSeq, seen }: TurnRange) => {
      const turn = findTurn.get(id, requestId);
      if (turn === undefined) return null;
      const { digest, end, beginSeq, endSeq } = turn;
      const found = rowsOfTurn.iterate(
        id,
        Math.max(beginSeq, afterSeq + 1),
        endSeq ?? Number.MAX_SAFE_INTEGER,
        requestId,
      );
      const kept = (seq: number | null) => (seq !== null && seq >= oldestSeq ? seq : null);
      return {
        digest,
        ...upToPageChars(found),
        beginSeq: kept(beginSeq),
        endSeq: kept(endSeq),
        seenSeq: (seen === null ? null : findSeq.get(seen, id)?.seq) ?? null,
        end,
      };
    }),

    digest: ofConversation(({ id }, requestId: string) => findTurn.get(id, requestId)?.digest ?? null),

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
