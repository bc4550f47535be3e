/**
 * The reading half of the store: asks a thread and turns what it found into rows of the log.
 * Reads wait for the start-up, and see every append whose outcome was told before the ask.
 */
import { decodeRow } from './columns.ts';
import type { Store } from './store.ts';
import type { ThreadLink } from './thread-link.ts';

export function createReader(
  thread: ThreadLink,
  opened: Promise<void>,
): Pick<Store, 'standing' | 'page' | 'turn' | 'unfinished'> {
  return {
    async standing(owner, conversationId, tokens) {
      await opened;
      const found = await thread.ask('standing', { owner, conversationId, tokens });
      return { ...found, rows: found.rows.map(decodeRow) };
    },

    async page(owner, conversationId, range) {
      await opened;
      const found = await thread.ask('page', { owner, conversationId, range });
      return found === null ? null : { ...found, rows: found.rows.map(decodeRow) };
    },

    async turn(owner, conversationId, requestId) {
      await opened;
      const found = await thread.ask('turn', { owner, conversationId, requestId });
      if (found === null) return null;
      const end: unknown = found.end === null ? null : JSON.parse(found.end);
      return { rows: found.rows.map(decodeRow), end };
    },

    async unfinished() {
      await opened;
      return thread.ask('unfinished', null);
    },
  };
}
