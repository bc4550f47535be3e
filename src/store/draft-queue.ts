/**
 * Queues drafts for the write thread: the newest of each conversation, in small batches, one at a time, so that no append
 * waits behind many. Drafts are not retried, because the next draft holds more.
 */
import { conversationKey } from '../conversation-ref.ts';
import type { WrittenDraft } from '../../machines/conversation/turn-state.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import { AppError } from '../errors.ts';
import type { PostedDraft } from './thread-messages.ts';

/** Most UTF-16 units of a batch, unless one draft has more. An append waits half a millisecond for such a batch. */
const maxBatchChars = 128 * 1024;

/** The drafts of all conversations. */
export interface DraftQueue {
  save(draft: ConversationRef & WrittenDraft): void;
  /** Drops queued and later drafts. */
  close(): void;
}

/** `post` sends a batch to the thread. Reports only the first of several failures in a row. */
export function createDraftQueue(options: {
  post: (drafts: PostedDraft[]) => Promise<void>;
  now: () => number;
  report: (error: unknown) => void;
}): DraftQueue {
  const { post, now, report } = options;
  /** By conversation, oldest first. */
  const waiting = new Map<string, PostedDraft>();
  let sending = false;
  let failing = false;
  let open = true;

  function take(): PostedDraft[] {
    const batch: PostedDraft[] = [];
    let chars = 0;
    for (const [key, draft] of waiting) {
      chars += draft.text.length + draft.reasoning.length;
      if (batch.length > 0 && chars > maxBatchChars) break;
      batch.push(draft);
      waiting.delete(key);
    }
    return batch;
  }

  async function send(): Promise<void> {
    sending = true;
    while (waiting.size > 0) {
      try {
        await post(take());
        failing = false;
      } catch (cause) {
        if (open && !failing)
          report(new AppError('storage_failed', 'The draft of an unfinished answer could not be saved.', { cause }));
        failing = true;
      }
    }
    sending = false;
  }

  return {
    save(draft) {
      if (!open) return;
      waiting.set(conversationKey(draft), { ...draft, timestamp: new Date(now()).toISOString() });
      if (!sending) void send();
    },
    close() {
      open = false;
      waiting.clear();
    },
  };
}
