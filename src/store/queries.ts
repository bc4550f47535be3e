/**
 * What is read from the log, prepared once for a connection. Runs in the read thread (in the
 * write thread for a database in memory) and hands out plain columns: decoding is for the
 * other side, and so is everything that rows mean.
 */
import type { Database } from 'better-sqlite3';
import type { StoredRow } from './columns.ts';
import type { PageRange, StoredTurn } from './store.ts';

export interface StoredStanding {
  known: boolean;
  headSeq: number;
  oldestSeq: number;
  rows: StoredRow[];
  open: StoredTurn[];
}

export interface StoredPage {
  rows: StoredRow[];
  headSeq: number;
  oldestSeq: number;
}

export interface StoredTurnRows {
  rows: StoredRow[];
  /** JSON; null while the turn is open. */
  end: string | null;
}

export interface Queries {
  standing(owner: string, conversationId: string, tokens: number): StoredStanding;
  page(owner: string, conversationId: string, range: PageRange): StoredPage | null;
  turn(owner: string, conversationId: string, requestId: string): StoredTurnRows | null;
  unfinished(): { owner: string; conversationId: string }[];
}

interface Bounds {
  conversationId: string;
  after: number;
  before: number;
  limit: number;
}

const columns = `id, conversation_id, seq, timestamp, type, role, content, tool_calls, tool_call_id,
  model, usage, extra, token_count, request_id`;

/** A page carries at most this much text, or one row: results of tools are kept whole in the log, and frames are strings. */
const PAGE_CHARS = 1024 * 1024;

function asMuchAs(found: Iterable<StoredRow>): StoredRow[] {
  const rows: StoredRow[] = [];
  let chars = 0;
  for (const row of found) {
    chars += (row.content?.length ?? 0) + (row.tool_calls?.length ?? 0) + (row.extra?.length ?? 0);
    if (rows.length > 0 && chars > PAGE_CHARS) break;
    rows.push(row);
  }
  return rows;
}

export function createQueries(db: Database): Queries {
  const findConversation = db.prepare<[string, string], { headSeq: number; oldestSeq: number }>(
    'SELECT head_seq AS headSeq, oldest_seq AS oldestSeq FROM conversations WHERE id = ? AND owner = ?',
  );
  const between = `SELECT ${columns} FROM chat_events
    WHERE conversation_id = @conversationId AND seq > @after AND seq < @before`;
  const oldestBetween = db.prepare<Bounds, StoredRow>(`${between} ORDER BY seq LIMIT @limit`);
  const newestBetween = db.prepare<Bounds, StoredRow>(`${between} ORDER BY seq DESC LIMIT @limit`);
  const newestFirst = db.prepare<[string], StoredRow>(
    `SELECT ${columns} FROM chat_events WHERE conversation_id = ? ORDER BY seq DESC`,
  );
  const findBegin = db.prepare<[string, string], { beginSeq: number }>(
    'SELECT begin_seq AS beginSeq FROM turns WHERE conversation_id = ? AND request_id = ?',
  );
  const openTurns = db.prepare<[string], StoredTurn>(`
    SELECT request_id AS requestId, begin_seq AS beginSeq, NULL AS "end" FROM turns
     WHERE conversation_id = ? AND ended_at IS NULL ORDER BY begin_seq`);
  const findTurn = db.prepare<[string, string], { beginSeq: number; endSeq: number | null; end: string | null }>(`
    SELECT begin_seq AS beginSeq, end_seq AS endSeq, "end" FROM turns WHERE conversation_id = ? AND request_id = ?`);
  const rowsOfTurn = db.prepare<[string, number, number, string], StoredRow>(`
    SELECT ${columns} FROM chat_events
     WHERE conversation_id = ? AND seq BETWEEN ? AND ? AND request_id = ? ORDER BY seq`);
  const unfinished = db.prepare<[], { owner: string; conversationId: string }>(`
    SELECT owner, id AS conversationId FROM conversations
     WHERE id IN (SELECT conversation_id FROM turns WHERE ended_at IS NULL)`);

  /** Walks backwards until the tokens are spent and no turn on the way is cut. */
  function window(conversationId: string, tokens: number, firstOpenSeq: number): StoredRow[] {
    const begins = new Map<string, number>();
    const rows: StoredRow[] = [];
    let spent = 0;
    let from = firstOpenSeq;
    for (const row of newestFirst.iterate(conversationId)) {
      if (spent > tokens && row.seq < from) break;
      spent += row.token_count ?? 0;
      rows.push(row);
      if (row.request_id === null || begins.has(row.request_id)) continue;
      const begin = findBegin.get(conversationId, row.request_id)?.beginSeq ?? row.seq;
      begins.set(row.request_id, begin);
      from = Math.min(from, begin);
    }
    return rows.toReversed();
  }

  return {
    standing: db.transaction((owner: string, conversationId: string, tokens: number) => {
      const conversation = findConversation.get(conversationId, owner);
      if (conversation === undefined) return { known: false, headSeq: 0, oldestSeq: 1, rows: [], open: [] };
      const open = openTurns.all(conversationId);
      const firstOpenSeq = open[0]?.beginSeq ?? Infinity;
      return { known: true, ...conversation, rows: window(conversationId, tokens, firstOpenSeq), open };
    }),

    page: db.transaction((owner: string, conversationId: string, range: PageRange) => {
      const conversation = findConversation.get(conversationId, owner);
      if (conversation === undefined) return null;
      const { afterSeq, beforeSeq = Number.MAX_SAFE_INTEGER, limit } = range;
      const bounds = { conversationId, after: afterSeq ?? -1, before: beforeSeq, limit };
      const rows = afterSeq === undefined ? asMuchAs(newestBetween.iterate(bounds)).toReversed() : asMuchAs(oldestBetween.iterate(bounds));
      return { rows, ...conversation };
    }),

    turn: db.transaction((owner: string, conversationId: string, requestId: string) => {
      if (findConversation.get(conversationId, owner) === undefined) return null;
      const turn = findTurn.get(conversationId, requestId);
      if (turn === undefined) return null;
      const { beginSeq, endSeq, end } = turn;
      return { rows: rowsOfTurn.all(conversationId, beginSeq, endSeq ?? Number.MAX_SAFE_INTEGER, requestId), end };
    }),

    unfinished: () => unfinished.all(),
  };
}
