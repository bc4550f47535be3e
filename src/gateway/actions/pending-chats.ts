/**
 * The chats for which something is being looked up: until that is there they have no place in their conversation,
 * and a Stop that means one of them waits for it. Knows nothing of what is looked up, and stops nothing itself.
 */
import { conversationKey, type ConversationRef } from '../../conversation-ref.ts';

export interface ComingChats {
  /** Until the lookup settles, which it is returned for. */
  add(ref: ConversationRef, requestId: string, lookup: Promise<void>): Promise<void>;
  /** The one that a Stop means: its target, else the one that was sent last. Resolves once it has been handed on, or refused; null where none is meant. */
  meant(ref: ConversationRef, target: string | undefined): { requestId: string; settled: Promise<void> } | null;
}

/** Holds no more than what the clients' own requests have under way. */
export function createComingChats(): ComingChats {
  const coming = new Map<string, { requestId: string; settled: Promise<void> }[]>();

  return {
    add(ref, requestId, lookup) {
      const key = conversationKey(ref);
      const leave = () => {
        const others = coming.get(key)?.filter((each) => each !== chat) ?? [];
        if (others.length > 0) coming.set(key, others);
        else coming.delete(key);
      };
      const chat = { requestId, settled: lookup.then(leave, leave) };
      coming.set(key, [...(coming.get(key) ?? []), chat]);
      return lookup;
    },
    meant: (ref, target) =>
      coming.get(conversationKey(ref))?.findLast(({ requestId }) => target === undefined || requestId === target) ??
      null,
  };
}
