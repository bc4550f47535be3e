/**
 * Saves an answer while it is written, so that a crash loses little of it. One timer a stream and none a
 * delta; an answer that is written within the interval is never saved, for its row comes at once.
 */
import type { ConversationRef } from '../conversation-ref.ts';
import type { Draft } from '../outbox/draft.ts';
import type { Store } from '../store/port.ts';

/** Called with the first delta. Saves until the function it returns is called, which may be more than once. */
export type KeepDraft = (
  ref: ConversationRef,
  draft: Pick<Draft, 'requestId' | 'messageId' | 'written'>,
  model: string | null,
) => () => void;

/** `intervalMs` 0 saves nothing. */
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
