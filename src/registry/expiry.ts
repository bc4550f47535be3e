/**
 * The actor behind the registry's `expiry`: asks the log in which conversations people's time to answer is up, and
 * has them told, whether they are in memory or not. No timer stands for a single question.
 */
import { fromCallback, type EventObject } from 'xstate';
import type { ConversationRef } from '../conversation-ref.ts';

/** How late a question may be closed, and in how many conversations at once. */
const INTERVAL_MS = 1000;
const BATCH = 100;

export interface ExpiryDeps {
  /** The longest overdue first. */
  overdue(nowMs: number, limit: number): Promise<ConversationRef[]>;
  /** Tells a conversation; one that cannot be opened now is overdue at the next look too. */
  expire(ref: ConversationRef, nowMs: number): void;
  onError(error: unknown): void;
}

export function createExpiryLogic({ overdue, expire, onError }: ExpiryDeps) {
  return fromCallback<EventObject>(() => {
    let looking = false;
    const look = async () => {
      const nowMs = Date.now();
      for (const ref of await overdue(nowMs, BATCH)) expire(ref, nowMs);
    };
    const timer = setInterval(() => {
      if (looking) return;
      looking = true;
      look()
        .catch(onError)
        .finally(() => (looking = false));
    }, INTERVAL_MS);
    return () => clearInterval(timer);
  });
}
