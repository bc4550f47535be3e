/**
 * Saves an answer while it is written, so that a crash loses little of it. Uses one timer per stream. An answer that
 * ends within the interval is never saved, because its row follows at once.
 */
import type { ConversationRef } from '../conversation-ref.ts';
import type { Draft } from '../outbox/draft.ts';
import type { Store } from '../store/port.ts';

/** Starts saving; called with the first delta. Call the returned function to stop; further calls have no effect. */
export type KeepDraft = (
  ref: ConversationRef,
  draft: Pick<Draft, 'requestId' | 'messageId' | 'written'>,
  model: string | null,
) => () => void;

/** `intervalMs`: time between two saves. 0 disables saving. */
export function createKeepDraft({
  store,
  intervalMs,
}: {
  store: Pick<Store, 'saveDraft'>;
  intervalMs: number;
}): KeepDraft {
  if (intervalMs === 0) return () => () => {};
  return ({ owner, conversationId }, draft, model) => {
    const { requestId, messageId } = draft;
    let saved = 0;
    const timer = setInterval(() => {
      const { text, reasoning } = draft.written();
      const length = text.length + reasoning.length;
      if (length === saved) return;
      saved = length;
      store.saveDraft({ owner, conversationId, requestId, messageId, text, reasoning, model });
    }, intervalMs);
    return () => clearInterval(timer);
  };
}
