/**
 * How many turns are at work at once over all conversations, and whose is next: owners take turns, and among an
 * owner's conversations who came first. A conversation asks anew for each of its turns, so one with a
 * long queue starves nobody. Decides nothing about a turn.
 */
import { keyOf, type ConversationRef } from '../conversation-ref.ts';

export interface Permits {
  /** Calls `granted` once, before it returns if there is room. Returns how many stand before it; 0 when it was granted. */
  ask(ref: ConversationRef, granted: () => void): number;
  /** Gives a conversation's permit back, or its place in the line; without either, nothing. */
  release(ref: ConversationRef): void;
  /** Conversations in the line. */
  waiting(): number;
  /** Conversations with a turn at work. */
  holders(): Iterable<ConversationRef>;
}

interface Waiting {
  ref: ConversationRef;
  granted(): void;
}

/** `most`: chat.service.max_running_turns. The line is as long as there are live conversations. */
export function createPermits({ most }: { most: number }): Permits {
  const holders = new Map<string, ConversationRef>();
  /** By owner, in the order in which they are served; then by conversation, in the order in which they came. */
  const line = new Map<string, Map<string, Waiting>>();
  let waiting = 0;

  const leave = (owner: string, key: string): Waiting | undefined => {
    const ofOwner = line.get(owner);
    const left = ofOwner?.get(key);
    if (!ofOwner?.delete(key)) return undefined;
    waiting -= 1;
    if (ofOwner.size === 0) line.delete(owner);
    return left;
  };
  const grantNext = () => {
    const [next] = line;
    if (!next || holders.size >= most) return;
    const [owner, ofOwner] = next;
    const [key] = ofOwner.keys();
    if (key === undefined) return;
    // Served, its owner goes to the end of the line.
    line.delete(owner);
    line.set(owner, ofOwner);
    const first = leave(owner, key);
    if (!first) return;
    holders.set(key, first.ref);
    first.granted();
  };

  return {
    ask(ref, granted) {
      const key = keyOf(ref);
      if (holders.size < most) {
        holders.set(key, ref);
        granted();
        return 0;
      }
      const ofOwner = line.get(ref.owner) ?? new Map<string, Waiting>();
      line.set(ref.owner, ofOwner);
      ofOwner.set(key, { ref, granted });
      waiting += 1;
      return waiting;
    },
    release(ref) {
      const key = keyOf(ref);
      if (holders.delete(key)) grantNext();
      else leave(ref.owner, key);
    },
    waiting: () => waiting,
    holders: () => holders.values(),
  };
}
