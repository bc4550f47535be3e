/**
 * Limits how many turns run at once over all conversations. Free permits go to owners round-robin, and among an owner's
 * conversations to the first in the queue. A conversation acquires a new permit for each turn, so a long queue of one
 * conversation cannot starve the others.
 */
import { conversationKey, type ConversationRef } from '../conversation-ref.ts';
import { createFairSemaphore, type FairKey } from './fair-semaphore.ts';

/** The permits of all turns. */
export interface Permits {
  /** Calls `granted` once, before it returns if a permit is free. Returns the length of the queue, this request included. 0: granted at once. */
  acquire(ref: ConversationRef, granted: () => void): number;
  /** Returns a conversation's permit, or removes its request from the queue. Does nothing without either. */
  release(ref: ConversationRef): void;
  /** Grants free permits. Call it when the limit has risen. */
  refresh(): void;
  /** Conversations in the queue. */
  queued(): number;
  /** Conversations with a running turn. */
  holders(): Iterable<ConversationRef>;
}

/** `most`: chat.service.max_running_turns, read at each request. The queue is bounded by the number of live conversations. */
export function createPermits(limits: { readonly most: number }): Permits {
  const line = createFairSemaphore({ most: () => limits.most });
  const holders = new Map<string, ConversationRef>();
  const placeOf = ({ owner, conversationId }: ConversationRef): FairKey => [owner, conversationId];

  return {
    acquire: (ref, granted) =>
      line.acquire(placeOf(ref), () => {
        holders.set(conversationKey(ref), ref);
        granted();
      }),
    release(ref) {
      holders.delete(conversationKey(ref));
      line.release(placeOf(ref));
    },
    refresh: line.grantWaiting,
    queued: line.queued,
    holders: () => holders.values(),
  };
}
