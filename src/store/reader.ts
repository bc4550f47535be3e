/**
 * Reads the store: asks a thread and decodes the columns that it returns. Reads wait until the database is open, and see
 * every append whose outcome was returned before. One read is under way at a time; owners take turns.
 */
import { includedIn } from '../../machines/context-window/included.ts';
import { decodeDecision, decodeExtra, decodeRemembered, decodeRow } from './columns.ts';
import { rawJson } from '../protocol/raw-json.ts';
import { createFairSemaphore, type FairKey } from '../scheduling/fair-semaphore.ts';
import type { Store } from './port.ts';
import type { ThreadLink } from './thread-link.ts';
import type { JobKind, Jobs } from './thread-messages.ts';

/** Creates the reading half of the store. Each method rejects with an AppError if the log cannot be read. */
export function createReader(
  thread: ThreadLink,
  opened: Promise<void>,
): Pick<
  Store,
  | 'load'
  | 'page'
  | 'events'
  | 'turn'
  | 'digest'
  | 'interrupt'
  | 'rewindPoint'
  | 'unfinished'
  | 'overdue'
  | 'conversations'
  | 'waitingForPeople'
  | 'titles'
  | 'search'
> {
  // The thread does one job at a time. More answers at once would block the main thread one after the other.
  const line = createFairSemaphore({ most: () => 1 });
  let lastRead = 0;
  /** Asks the thread when it is this owner's turn. `owner`: null for reads of the server itself. */
  const ask = async <K extends JobKind>(
    kind: K,
    owner: string | null,
    question: Jobs[K]['ask'],
  ): Promise<Jobs[K]['answer']> => {
    await opened;
    lastRead += 1;
    const place: FairKey = [JSON.stringify(owner), String(lastRead)];
    await new Promise<void>((resolve) => line.acquire(place, resolve));
    return thread.ask(kind, question).finally(() => line.release(place));
  };

  return {
    async load(owner, conversationId, tokens, messages = 0, images = 0) {
      const found = await ask('load', owner, { owner, conversationId, tokens, messages, images });
      return {
        ...found,
        rows: found.rows.map((row) => decodeRow(row, conversationId)),
        remembered: decodeRemembered(found.remembered),
      };
    },

    async page(owner, conversationId, range) {
      const found = await ask('page', owner, { owner, conversationId, range });
      return found === null ? null : { ...found, rows: found.rows.map((row) => decodeRow(row, conversationId)) };
    },

    async events(owner, conversationId, range) {
      const found = await ask('events', owner, { owner, conversationId, range });
      if (found === null) return null;
      const rows = found.rows.map(({ largeExtra, ...stored }) => {
        const row = decodeRow(stored, conversationId);
        return largeExtra === null ? row : { ...row, extra: rawJson(largeExtra) };
      });
      return { ...found, rows };
    },

    async turn(owner, conversationId, requestId, { afterSeq = 0, seen = null } = {}) {
      const found = await ask('turn', owner, { owner, conversationId, requestId, range: { afterSeq, seen } });
      if (found === null) return null;
      const end: unknown = found.end === null ? null : JSON.parse(found.end);
      return { ...found, rows: found.rows.map((row) => decodeRow(row, conversationId)), end };
    },

    digest: (owner, conversationId, requestId) => ask('digest', owner, { owner, conversationId, requestId }),

    async interrupt(owner, conversationId, interruptId) {
      const found = await ask('interrupt', owner, { owner, conversationId, interruptId });
      if (found === null) return null;
      const question = decodeExtra(found.question);
      // Only the row of a question has its own id as its interrupt_id.
      if (question['interrupt_id'] !== interruptId) return null;
      return { decision: decodeDecision(decodeExtra(found.answer)), question };
    },

    async rewindPoint(owner, conversationId, seq) {
      const found = await ask('rewindPoint', owner, { owner, conversationId, seq });
      return found && { text: found.text, included: includedIn(decodeExtra(found.extra)) };
    },

    unfinished: () => ask('unfinished', null, null),

    overdue: (nowMs, limit) => ask('overdue', null, { nowMs, limit }),

    conversations: (owner, { cursor = null, limit }) => ask('conversations', owner, { owner, limit, cursor }),

    waitingForPeople: ({ limit, offset }) => ask('waiting', null, { limit, offset }),

    titles: (refs) => ask('titles', null, refs),

    search: (query) => ask('search', null, query),
  };
}
