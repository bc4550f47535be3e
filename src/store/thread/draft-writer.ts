/**
 * Saves drafts of unfinished answers, one row per conversation. Drafts are not part of the log: a power cut may lose them,
 * so the write does not wait for the disk. Runs in the write thread.
 */
import type { Database } from 'better-sqlite3';
import type { PostedDraft } from '../thread-messages.ts';

/** Saves drafts in one transaction. */
export type DraftWriter = (drafts: PostedDraft[]) => void;

/** Writes drafts in one transaction. Skips a draft that comes after its row or its turn's end. */
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
    // Without a flush. The flush of a later append includes all earlier writes.
    db.pragma('synchronous = NORMAL');
    try {
      saveAll.immediate(drafts);
    } finally {
      db.pragma(`synchronous = ${durability}`);
    }
  };
}
