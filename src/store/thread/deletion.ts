/**
 * The end of a conversation, in two parts: it is unknown to everybody at once, and what it leaves behind
 * is taken away in slices of the sweep. Its id is written down in between, so that a later start goes on
 * where a crash cut it off. Runs in the write thread.
 */
import type { Database } from 'better-sqlite3';

export interface Deletion {
  /** False for an unknown or foreign conversation. */
  remove(owner: string, conversationId: string): boolean;
  /** True while there is something to take away. */
  isPending(): boolean;
  /** Takes some of it, inside the caller's transaction; true when there may be more. */
  takeSome(): boolean;
}

/** What is taken between two looks at the clock. */
const stepRows = 64;

/** `isBusy`: ids of conversations that must stay for now. */
export function createDeletion(db: Database, isBusy: (id: string) => boolean): Deletion {
  const find = db
    .prepare<[string, string], string>('SELECT id FROM conversations WHERE name = ? AND owner = ?')
    .pluck();
  const addPending = db.prepare<[string]>('INSERT INTO pending_deletions (conversation_id) VALUES (?)');
  const removeConversation = db.prepare<[string]>('DELETE FROM conversations WHERE id = ?');
  const dropDraft = db.prepare<[string]>('DELETE FROM drafts WHERE conversation_id = ?');
  const pending = db.prepare<[], string>('SELECT conversation_id FROM pending_deletions').pluck();
  const takeRows = db.prepare<[string, number]>(`
    DELETE FROM chat_events WHERE rowid IN (SELECT rowid FROM chat_events WHERE conversation_id = ? LIMIT ?)`);
  const takeTurns = db.prepare<[string, number]>(`
    DELETE FROM turns WHERE rowid IN (SELECT rowid FROM turns WHERE conversation_id = ? LIMIT ?)`);
  const removePending = db.prepare<[string]>('DELETE FROM pending_deletions WHERE conversation_id = ?');

  function next(): string | undefined {
    for (const id of pending.iterate()) if (!isBusy(id)) return id;
    return undefined;
  }

  return {
    remove: db.transaction((owner: string, conversationId: string) => {
      const id = find.get(conversationId, owner);
      if (id === undefined) return false;
      addPending.run(id);
      removeConversation.run(id);
      dropDraft.run(id);
      return true;
    }),

    isPending: () => next() !== undefined,

    takeSome() {
      const id = next();
      if (id === undefined) return false;
      if (takeRows.run(id, stepRows).changes === 0 && takeTurns.run(id, stepRows).changes === 0) removePending.run(id);
      return true;
    },
  };
}
