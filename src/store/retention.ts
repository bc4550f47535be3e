/**
 * What may leave the log when a turn ends: whole turns, oldest first, always a prefix of the
 * conversation's own log. Open turns and the turn that just ended stay whatever the policy says.
 * Runs in the write thread, inside the transaction that carries the end.
 */
import type { Database } from 'better-sqlite3';

export type RetentionPolicy =
  | { policy: 'unlimited' }
  /** Keeps the newest turns whose `token_count` sum is at most this. */
  | { policy: 'token_limit'; maxTokens: number }
  /** Keeps the newest turns with at most this many user and assistant messages. */
  | { policy: 'message_count'; maxMessages: number }
  /** Keeps turns whose newest row is at most so old. */
  | { policy: 'time_based'; days: number };

/** `timestamp` is that of the append with the end: the transaction's notion of now. */
export type Retain = (conversationId: string, endedRequestId: string, timestamp: string) => void;

const dayMs = 24 * 60 * 60 * 1000;
/** A request id is recognised at least this long, also when its rows are gone. */
const identityMs = dayMs;

interface Totals {
  messages: number;
  tokens: number;
}

interface TurnExtent extends Totals {
  first: number;
  last: number;
  newest: string | null;
  /** 1 for open turns and the one that just ended. */
  held: number;
}

export function createRetention(db: Database, policy: RetentionPolicy): Retain {
  if (policy.policy === 'unlimited') return () => {};

  const findKept = db.prepare<[string], Totals & { oldest: string | null }>(`
    SELECT message_count AS messages, total_tokens AS tokens,
           (SELECT timestamp FROM chat_events WHERE conversation_id = conversations.id AND seq = oldest_seq) AS oldest
      FROM conversations WHERE id = ?`);
  const listTurns = db.prepare<{ conversationId: string; endedRequestId: string }, TurnExtent>(`
    SELECT MIN(seq) AS first, MAX(seq) AS last,
           SUM(type IN ('user_message', 'assistant_message')) AS messages,
           COALESCE(SUM(token_count), 0) AS tokens, MAX(timestamp) AS newest,
           request_id IS @endedRequestId OR EXISTS (
             SELECT 1 FROM turns WHERE turns.conversation_id = @conversationId
                AND turns.request_id = chat_events.request_id AND ended_at IS NULL) AS held
      FROM chat_events WHERE conversation_id = @conversationId
     GROUP BY COALESCE(request_id, id) ORDER BY first`);
  const deleteRows = db.prepare<[string, number]>('DELETE FROM chat_events WHERE conversation_id = ? AND seq <= ?');
  const noteCut = db.prepare<[number, number, number, string]>(`
    UPDATE conversations SET oldest_seq = ?, message_count = message_count - ?, total_tokens = total_tokens - ?
     WHERE id = ?`);
  const forgetTurns = db.prepare<[string, number, string]>(
    'DELETE FROM turns WHERE conversation_id = ? AND end_seq <= ? AND ended_at < ?',
  );

  return (conversationId, endedRequestId, timestamp) => {
    const now = Date.parse(timestamp);
    const surplus = surplusUnder(policy, now);
    const kept = findKept.get(conversationId);
    // The usual case, and it must not cost a walk through the history.
    if (kept === undefined || !surplus(kept, kept.oldest)) return;

    const cut = prefixToDrop(listTurns.all({ conversationId, endedRequestId }), kept, surplus);
    if (cut === null) return;
    deleteRows.run(conversationId, cut.seq);
    noteCut.run(cut.seq + 1, cut.messages, cut.tokens, conversationId);
    forgetTurns.run(conversationId, cut.seq, new Date(now - identityMs).toISOString());
  };
}

/** Whether a turn goes when these totals are kept with it; `newest` is the time of its last row. */
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

/** Turns may lie inside one another, so the cut is the last seq on which no row of a kept turn depends. */
function prefixToDrop(turns: TurnExtent[], kept: Totals, surplus: Surplus): (Totals & { seq: number }) | null {
  let { messages, tokens } = kept;
  let reach = 0;
  let cut: (Totals & { seq: number }) | null = null;
  for (const [index, turn] of turns.entries()) {
    if (turn.held === 1 || !surplus({ messages, tokens }, turn.newest)) break;
    messages -= turn.messages;
    tokens -= turn.tokens;
    reach = Math.max(reach, turn.last);
    const next = turns[index + 1];
    if (next !== undefined && next.first > reach) {
      cut = { seq: reach, messages: kept.messages - messages, tokens: kept.tokens - tokens };
    }
  }
  return cut;
}
