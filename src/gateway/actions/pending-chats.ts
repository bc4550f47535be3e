/**
 * Tracks chats whose lookups are pending. Their conversations do not have them yet, so a cancel for such a chat waits for
 * the lookup.
 */
import { conversationKey, type ConversationRef } from '../../conversation-ref.ts';

/** The chats of all sockets whose lookups run. */
export interface PendingChats {
  /** Adds a chat until its lookup settles. Returns the lookup. */
  add(ref: ConversationRef, requestId: string, lookup: Promise<void>): Promise<void>;
  /** The chat with the request id `target`, or the newest if undefined. `settled` resolves when it is routed or rejected. Null if none. */
  find(ref: ConversationRef, target: string | undefined): { requestId: string; settled: Promise<void> } | null;
}

/** Bounded by the pending requests of the clients. */
export function createPendingChats(): PendingChats {
  const pending = new Map<string, { requestId: string; settled: Promise<void> }[]>();

  return {
    add(ref, requestId, lookup) {
      const key = conversationKey(ref);
      const leave = () => {
        const others = pending.get(key)?.filter((each) => each !== chat) ?? [];
        if (others.length > 0) pending.set(key, others);
        else pending.delete(key);
      };
      const chat = { requestId, settled: lookup.then(leave, leave) };
      pending.set(key, [...(pending.get(key) ?? []), chat]);
      return lookup;
    },
    find: (ref, target) =>
      pending.get(conversationKey(ref))?.findLast(({ requestId }) => target === undefined || requestId === target) ??
      null,
  };
}
