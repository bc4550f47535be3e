/**
 * Reads the store: asks a thread and decodes the columns that it returns. Reads wait until the database is open, and see
 * every append whose outcome was returned before.
 */
import { includedIn } from '../../machines/context-window/included.ts';
import { decodeDecision, decodeExtra, decodeRemembered, decodeRow } from './columns.ts';
import type { Store } from './port.ts';
import type { ThreadLink } from './thread-link.ts';

/** Creates the reading half of the store. Each method rejects with an AppError if the log cannot be read. */
export function createReader(
  thread: ThreadLink,
  opened: Promise<void>,
): Pick<
  Store,
  | 'load'
  | 'page'
  | 'turn'
  | 'interrupt'
  | 'rewindPoint'
  | 'unfinished'
  | 'overdue'
  | 'conversations'
  | 'waitingForPeople'
  | 'titles'
  | 'search'
> {
  return {
    async load(owner, conversationId, tokens, messages = 0) {
      await opened;
      const found = await thread.ask('load', { owner, conversationId, tokens, messages });
      return {
        ...found,
        rows: found.rows.map((row) => decodeRow(row, conversationId)),
        remembered: decodeRemembered(found.remembered),
      };
    },

    async page(owner, conversationId, range) {
      await opened;
      const found = await thread.ask('page', { owner, conversationId, range });
      return found === null ? null : { ...found, rows: found.rows.map((row) => decodeRow(row, conversationId)) };
    },

    async turn(owner, conversationId, requestId) {
      await opened;
      const found = await thread.ask('turn', { owner, conversationId, requestId });
      if (found === null) return null;
      const end: unknown = found.end === null ? null : JSON.parse(found.end);
      return { digest: found.digest, rows: found.rows.map((row) => decodeRow(row, conversationId)), end };
    },

    async interrupt(owner, conversationId, interruptId) {
      await opened;
      const found = await thread.ask('interrupt', { owner, conversationId, interruptId });
      if (found === null) return null;
      const question = decodeExtra(found.question);
      // Only the row of a question has its own id as its interrupt_id.
      if (question['interrupt_id'] !== interruptId) return null;
      return { decision: decodeDecision(decodeExtra(found.answer)), question };
    },

    async rewindPoint(owner, conversationId, seq) {
      await opened;
      const found = await thread.ask('rewindPoint', { owner, conversationId, seq });
      return found && { text: found.text, included: includedIn(decodeExtra(found.extra)) };
    },

    async unfinished() {
      await opened;
      return thread.ask('unfinished', null);
    },

    async overdue(nowMs, limit) {
      await opened;
      return thread.ask('overdue', { nowMs, limit });
    },

    async conversations(owner, { cursor = null, limit }) {
      await opened;
      return thread.ask('conversations', { owner, limit, cursor });
    },

    async waitingForPeople({ limit, offset }) {
      await opened;
      return thread.ask('waiting', { limit, offset });
    },

    async titles(refs) {
      await opened;
      return thread.ask('titles', refs);
    },

    async search(query) {
      await opened;
      return thread.ask('search', query);
    },
  };
}
