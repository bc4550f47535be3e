/**
 * Copies a conversation for a fork, slice by slice. A fork keeps the seqs of its origin, so that a seq names the
 * same row in both, and the identity of its turns. Until the copy is whole, its id is in `pending_deletions`:
 * no query finds the fork, and the sweep deletes what a crash cut off. Runs in the write thread.
 */
import type { Database } from 'better-sqlite3';
import type { ConversationRef } from '../../conversation-ref.ts';
import type { NextUpdate } from './update-order.ts';
import type { Slices } from './slices.ts';

/** A fork to make. */
export interface ForkOrder {
  origin: ConversationRef;
  /** The last row of the fork; a fork point. */
  atSeq: number;
  /** Id of the new conversation. */
  fork: string;
  /** ISO 8601. */
  now: string;
}

/** The running copy, if any. */
export interface Fork {
  /** Copies the next slice. `gone`: the origin, or its row at `atSeq`, does not exist any more. Nothing was made. */
  slice(order: ForkOrder): 'copying' | 'done' | 'gone';
  /** True for both conversations of the running copy: their rows must not be deleted. */
  isBusy(id: string): boolean;
}

interface Copy extends ForkOrder {
  originId: string;
  title: string | null;
  oldestSeq: number;
  /** Index into the stages. */
  stage: number;
  /** The row and the turn that come next. */
  nextSeq: number;
  nextTurn: string;
  messages: number;
  tokens: number;
}

/** Copied between two checks of the time. Rows may be long. */
const step = { rows: 16, turns: 64 };

const columns = `seq, timestamp, type, role, content, tool_calls, tool_call_id, model, usage, extra, token_count, request_id`;

/** Prepares the statements that copy a conversation. */
export function createFork(db: Database, slices: Slices, nextUpdate: NextUpdate): Fork {
  const findOrigin = db.prepare<ConversationRef & { atSeq: number }, Pick<Copy, 'originId' | 'title' | 'oldestSeq'>>(`
    SELECT id AS originId, title, oldest_seq AS oldestSeq FROM conversations
     WHERE name = @conversationId AND owner = @owner AND @atSeq BETWEEN oldest_seq AND head_seq`);
  const addPending = db.prepare<[string]>('INSERT INTO pending_deletions (conversation_id) VALUES (?)');
  const insertRows = db.prepare<[string, string, number, number]>(`
    INSERT INTO chat_events (id, conversation_id, ${columns})
    SELECT lower(hex(randomblob(16))), ?, ${columns} FROM chat_events WHERE conversation_id = ? AND seq BETWEEN ? AND ?`);
  const sumRows = db.prepare<[string, number, number], Pick<Copy, 'messages' | 'tokens'>>(`
    SELECT SUM(type IN ('user_message', 'assistant_message')) AS messages, COALESCE(SUM(token_count), 0) AS tokens
      FROM chat_events WHERE conversation_id = ? AND seq BETWEEN ? AND ?`);
  const ownTurns = `FROM turns WHERE conversation_id = @originId AND request_id >= @nextTurn AND end_seq <= @atSeq ORDER BY request_id`;
  const insertTurns = db.prepare<Copy>(`
    INSERT INTO turns (conversation_id, request_id, digest, begin_seq, started_at, "end", end_seq, ended_at)
    SELECT @fork, request_id, digest, begin_seq, started_at, "end", end_seq, ended_at ${ownTurns} LIMIT ${step.turns}`);
  const turnBeyond = db.prepare<Copy, string>(`SELECT request_id ${ownTurns} LIMIT 1 OFFSET ${step.turns}`).pluck();
  const insertConversation = db.prepare<Copy & { owner: string; updatedSeq: number }>(`
    INSERT INTO conversations (id, owner, name, title, created_at, updated_at, head_seq, oldest_seq, message_count, total_tokens, updated_seq)
    VALUES (@fork, @owner, @fork, @title, @now, @now, @atSeq, @oldestSeq, @messages, @tokens, @updatedSeq)`);
  const removePending = db.prepare<[string]>('DELETE FROM pending_deletions WHERE conversation_id = ?');

  /** Each does one step. True while it has more steps. */
  const stages: ((copy: Copy) => boolean)[] = [
    function hide({ fork }) {
      addPending.run(fork);
      return false;
    },
    function copyRows(copy) {
      const { originId, fork, nextSeq, atSeq } = copy;
      const lastSeq = Math.min(nextSeq + step.rows - 1, atSeq);
      insertRows.run(fork, originId, nextSeq, lastSeq);
      const sums = sumRows.get(originId, nextSeq, lastSeq);
      copy.messages += sums?.messages ?? 0;
      copy.tokens += sums?.tokens ?? 0;
      copy.nextSeq = lastSeq + 1;
      return lastSeq < atSeq;
    },
    function copyTurns(copy) {
      const beyond = turnBeyond.get(copy);
      insertTurns.run(copy);
      copy.nextTurn = beyond ?? '';
      return beyond !== undefined;
    },
    function show(copy) {
      insertConversation.run({ ...copy, owner: copy.origin.owner, updatedSeq: nextUpdate() });
      removePending.run(copy.fork);
      return false;
    },
  ];

  let copy: Copy | null = null;

  function begin(order: ForkOrder): Copy | null {
    const origin = findOrigin.get({ ...order.origin, atSeq: order.atSeq });
    if (origin === undefined) return null;
    return { ...order, ...origin, stage: 0, nextSeq: origin.oldestSeq, nextTurn: '', messages: 0, tokens: 0 };
  }

  function advance(copy: Copy): boolean {
    if (stages[copy.stage]?.(copy) === true) return true;
    copy.stage += 1;
    return copy.stage < stages.length;
  }

  return {
    slice(order) {
      // A copy that another connection began is not continued: its id is already in `pending_deletions`, so the first step fails.
      const current = copy?.fork === order.fork ? copy : begin(order);
      copy = current;
      if (current === null) return 'gone';
      let more = false;
      try {
        more = slices.run(() => advance(current));
      } finally {
        if (!more) copy = null;
      }
      return more ? 'copying' : 'done';
    },

    isBusy: (id) => copy !== null && (id === copy.originId || id === copy.fork),
  };
}
