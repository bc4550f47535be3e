/**
 * How many turns are at work at once over all conversations, and whose is next: owners take turns, and among an
 * owner's conversations who came first. A conversation asks anew for each of its turns, so one with a
 * long queue starves nobody. Decides nothing about a turn.
 */
import { conversationKey, type ConversationRef } from '../conversation-ref.ts';
import { createFairLine, type Place } from './fair-queue.ts';

export interface Permits {
  /** Calls `granted` once, before it returns if there is room. Returns how many stand before it; 0 when it was granted. */
  ask(ref: ConversationRef, granted: () => void): number;
  /** Gives a conversation's permit back, or its place in the line; without either, nothing. */
  release(ref: ConversationRef): void;
  /** To be called when more may run: lets in those who have room now. */
  refresh(): void;
  /** Conversations in the line. */
  waiting(): number;
  /** Conversations with a turn at work. */
  holders(): Iterable<ConversationRef>;
}

/** `most`: chat.service.max_running_turns, read each time. The line is as long as there are live conversations. */
export function createPermits(limits: { readonly most: number }): Permits {
  const line = createFairLine({ most: () => limits.most });
  const holders = new Map<string, ConversationRef>();
  const placeOf = ({ owner, conversationId }: ConversationRef): Place => [owner, conversationId];

  return {
    ask: (ref, granted) =>
      line.ask(placeOf(ref), () => {
        holders.set(conversationKey(ref), ref);
        granted();
      }),
    release(ref) {
      holders.delete(conversationKey(ref));
      line.release(placeOf(ref));
    },
    refresh: line.serve,
    waiting: line.waiting,
    holders: () => holders.values(),
  };
}
