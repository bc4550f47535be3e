/**
 * The drafts on their way to the write thread: the newest of each conversation, in small batches, one under
 * way at a time, so that no append waits behind many. A draft is worth no retry: the next one says more.
 */
import { conversationKey } from '../conversation-ref.ts';
import type { WrittenDraft } from '../../machines/conversation/turn-state.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import { AppError } from '../errors.ts';
import type { PostedDraft } from './thread-messages.ts';

/** UTF-16 units that are written together, or one draft: an append behind them waits for half a millisecond. */
const maxBatchChars = 128 * 1024;

export interface DraftQueue {
  save(draft: ConversationRef & WrittenDraft): void;
  /** Drops what waits and what comes later. */
  close(): void;
}

/** `post` hands a batch to the thread. Of failures in a row only the first is reported. */
export function createDraftQueue(options: {
  post: (drafts: PostedDraft[]) => Promise<void>;
  now: () => number;
  report: (error: unknown) => void;
}): DraftQueue {
  const { post, now, report } = options;
  /** By conversation; those that have waited longest come first. */
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
          report(
            new AppError('storage_failed', 'What was written of an unfinished answer could not be kept.', { cause }),
          );
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
