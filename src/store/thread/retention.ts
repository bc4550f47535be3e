/**
 * Drops old rows by the retention policy: whole turns, oldest first, always a prefix of the conversation's log. Keeps open
 * turns under every policy, and the newest turn unless it is too old. Runs in the write thread, inside the caller's
 * transaction, and reads a bounded part of the log.
 */
import type { Database } from 'better-sqlite3';

/** What is kept of a conversation. */
export type RetentionPolicy =
  | { policy: 'unlimited' }
  /** Keeps the newest turns whose `token_count` sum is at most this. */
  | { policy: 'token_limit'; maxTokens: number }
  /** Keeps the newest turns with at most this many user and assistant messages. */
  | { policy: 'message_count'; maxMessages: number }
  /** Keeps turns whose newest row is at most this old. */
  | { policy: 'time_based'; days: number };

/**
 * Drops what the policy does not keep, about `maxRows` rows at most. `timestamp` is the current time. True if it stopped at
 * that limit: a later call continues.
 */
export type Retain = (conversationId: string, timestamp: string, maxRows: number) => boolean;

const dayMs = 24 * 60 * 60 * 1000;
/** Rows of one read. A busy conversation drops one turn when one ends. */
const windowRows = 128;

interface Totals {
  messages: number;
  tokens: number;
}

interface Conversation extends Totals {
  headSeq: number;
  oldestSeq: number;
  /** Time of the row at `oldestSeq`. */
  oldest: string | null;
}

/** The part of a row that retention needs. */
interface RowSummary extends Totals {
  seq: number;
  timestamp: string | null;
  turn: string;
  /** 1 while its turn is open. */
  held: number;
  /** Where its turn ends. Null for an open turn, and for a row without a turn. */
  lastSeq: number | null;
}

interface TurnExtent extends Totals {
  first: number;
  last: number;
  newest: string | null;
  held: boolean;
}

interface Cut extends Totals {
  seq: number;
}

/** Prepares the deletion of the oldest rows by the configured policy. */
export function createRetention(db: Database, policy: RetentionPolicy): Retain {
  if (policy.policy === 'unlimited') return () => false;

  const findConversation = db.prepare<[string], Conversation>(`
    SELECT message_count AS messages, total_tokens AS tokens, head_seq AS headSeq, oldest_seq AS oldestSeq,
           (SELECT timestamp FROM chat_events WHERE conversation_id = conversations.id AND seq = oldest_seq) AS oldest
      FROM conversations WHERE id = ?`);
  const oldestRows = db.prepare<[string, number], RowSummary>(`
    SELECT seq, timestamp, type IN ('user_message', 'assistant_message') AS messages,
           COALESCE(token_count, 0) AS tokens, COALESCE(row.request_id, row.id) AS turn,
           turns.request_id IS NOT NULL AND ended_at IS NULL AS held, end_seq AS lastSeq
      FROM chat_events AS row
      LEFT JOIN turns ON turns.conversation_id = row.conversation_id AND turns.request_id = row.request_id
     WHERE row.conversation_id = ? ORDER BY seq LIMIT ?`);
  const deleteRows = db.prepare<[string, number]>('DELETE FROM chat_events WHERE conversation_id = ? AND seq <= ?');
  const noteCut = db.prepare<[number, number, number, string]>(`
    UPDATE conversations SET oldest_seq = ?, message_count = message_count - ?, total_tokens = total_tokens - ?
     WHERE id = ?`);

  /** The cut within the oldest `rows` rows. */
  function cutWithin(
    conversationId: string,
    kept: Conversation,
    surplus: Surplus,
    rows: number,
  ): Cut | null | 'look further' {
    const summaries = oldestRows.all(conversationId, rows);
    const seen = summaries.at(-1)?.seq ?? 0;
    const turns = turnsOf(summaries);
    const newest = turns.at(-1);
    if (newest !== undefined && seen === kept.headSeq && policy.policy !== 'time_based') newest.held = true;
    return prefixToDrop(turns, seen, kept, surplus);
  }

  return (conversationId, timestamp, maxRows) => {
    const surplus = surplusUnder(policy, Date.parse(timestamp));
    let rows = windowRows;
    let dropped = 0;
    for (;;) {
      const kept = findConversation.get(conversationId);
      // The usual case. It must not cost a read of the history.
      if (kept === undefined || kept.oldestSeq > kept.headSeq || !surplus(kept, kept.oldest)) return false;
      if (dropped >= maxRows) return true;
      const cut = cutWithin(conversationId, kept, surplus, rows);
      if (cut === null) return false;
      if (cut === 'look further') {
        rows *= 2;
        continue;
      }
      deleteRows.run(conversationId, cut.seq);
      noteCut.run(cut.seq + 1, cut.messages, cut.tokens, conversationId);
      dropped += cut.seq - kept.oldestSeq + 1;
      rows = windowRows;
    }
  };
}

/** Whether a turn is dropped if these totals would be kept with it. `newest`: the time of its last row. */
type Surplus = (kept: Totals, newest: string | null) => boolean;

function surplusUnder(policy: Exclude<RetentionPolicy, { policy: 'unlimited' }>, now: number): Surplus {
  switch (policy.policy) {
    case 'token_limit':
      return (kept) => kept.tokens > policy.maxTokens;
    case 'message_count':
      return (kept) => kept.messages > policy.maxMessages;
    case 'time_based': {
      const horizon = new Date(now - policy.days * dayMs).toISOString();
      return (_, newest) => newest !== null && newest < horizon;
    }
  }
}

/** In the order of their first rows. */
function turnsOf(summaries: RowSummary[]): TurnExtent[] {
  const turns = new Map<string, TurnExtent>();
  for (const { turn: id, seq, timestamp, messages, tokens, held, lastSeq } of summaries) {
    const turn = turns.get(id);
    if (turn === undefined) {
      turns.set(id, { first: seq, last: lastSeq ?? seq, newest: timestamp, messages, tokens, held: held === 1 });
      continue;
    }
    turn.last = Math.max(turn.last, seq);
    if (timestamp !== null && timestamp > (turn.newest ?? '')) turn.newest = timestamp;
    turn.messages += messages;
    turn.tokens += tokens;
  }
  return [...turns.values()];
}

/**
 * The longest cut among `turns`, which have a row up to the seq `seen`. Turns may be nested, so a cut is a seq with no row
 * of a kept turn before it. A turn that continues beyond `seen` is dropped as a whole or kept: without an earlier cut, more
 * rows must be read.
 */
function prefixToDrop(turns: TurnExtent[], seen: number, kept: Totals, surplus: Surplus): Cut | null | 'look further' {
  let { messages, tokens } = kept;
  let reach = 0;
  let cut: Cut | null = null;
  for (const [index, turn] of turns.entries()) {
    if (turn.held || !surplus({ messages, tokens }, turn.newest)) break;
    if (turn.last > seen) return cut ?? 'look further';
    messages -= turn.messages;
    tokens -= turn.tokens;
    reach = Math.max(reach, turn.last);
    const next = turns[index + 1]?.first ?? seen + 1;
    if (next > reach) cut = { seq: reach, messages: kept.messages - messages, tokens: kept.tokens - tokens };
  }
  return cut;
}
