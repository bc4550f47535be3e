/**
 * Keeps what was streamed of unfinished answers, one row a conversation. Drafts are no part of the log: a
 * power cut may take them, so they wait for no disk. Runs in the write thread.
 */
import type { Database } from 'better-sqlite3';
import type { PostedDraft } from '../thread-messages.ts';

export type DraftWriter = (drafts: PostedDraft[]) => void;

/** Writes them in one transaction. A draft that came too late, after its row or its turn's end, is left out. */
export function createDraftWriter(db: Database): DraftWriter {
  const save = db.prepare<PostedDraft>(`
    INSERT OR REPLACE INTO drafts (conversation_id, message_id, request_id, text, reasoning, model, updated_at)
    SELECT conversations.id, @messageId, @requestId, @text, @reasoning, @model, @timestamp
      FROM conversations JOIN turns ON turns.conversation_id = conversations.id
     WHERE owner = @owner AND name = @conversationId AND request_id = @requestId AND ended_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM chat_events WHERE id = @messageId)`);
  const saveAll = db.transaction((drafts: PostedDraft[]) => {
    for (const draft of drafts) save.run(draft);
  });

  return (drafts) => {
    const durability = Number(db.pragma('synchronous', { simple: true }));
    // Without a flush: what a later append flushes is all that was written before it.
    db.pragma('synchronous = NORMAL');
    try {
      saveAll.immediate(drafts);
    } finally {
      db.pragma(`synchronous = ${durability}`);
    }
  };
}
