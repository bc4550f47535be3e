/** Keeps the live conversations by key, and counts those of each owner. */
import type { ConversationRef } from '../conversation-ref.ts';
import type { LiveConversation } from '../conversation/live-conversation.ts';

export interface LiveConversations {
  get(key: string): LiveConversation | undefined;
  has(key: string): boolean;
  add(ref: ConversationRef, key: string, conversation: LiveConversation): void;
  remove(ref: ConversationRef, key: string): void;
  /** The number of conversations of one owner. */
  countOf(owner: string): number;
  /** Those that open or end during the iteration may be included or not. */
  values(): IterableIterator<LiveConversation>;
  readonly size: number;
}

export function createLiveConversations(): LiveConversations {
  const live = new Map<string, LiveConversation>();
  const counts = new Map<string, number>();
  return {
    get: (key) => live.get(key),
    has: (key) => live.has(key),
    add({ owner }, key, conversation) {
      live.set(key, conversation);
      counts.set(owner, (counts.get(owner) ?? 0) + 1);
    },
    remove({ owner }, key) {
      if (!live.delete(key)) return;
      const left = (counts.get(owner) ?? 0) - 1;
      if (left > 0) counts.set(owner, left);
      else counts.delete(owner);
    },
    countOf: (owner) => counts.get(owner) ?? 0,
    values: () => live.values(),
    get size() {
      return live.size;
    },
  };
}
