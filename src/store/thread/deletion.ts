/**
 * Deletes conversations in two parts: no read finds the conversation at once, and slices of the sweep delete its rows. In
 * between, its id is in `pending_deletions`, so that a start after a crash continues. Runs in the write thread.
 */
import type { Database } from 'better-sqlite3';

/** The deletions of one database. */
export interface Deletion {
  /** False for an unknown or foreign conversation. */
  remove(owner: string, conversationId: string): boolean;
  /** True while a deletion is pending. */
  isPending(): boolean;
  /** Deletes some rows, inside the caller's transaction. True if more may be left. */
  takeSome(): boolean;
}

/** Rows that are deleted between two checks of the time. */
const stepRows = 64;

/** `isBusy`: conversations whose rows must not be deleted now. */
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
