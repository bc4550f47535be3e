/**
 * Runs the registry's `expiry`: asks the store for conversations with expired interrupts and notifies them, passivated
 * ones too. No interrupt has a timer of its own.
 */
import { fromCallback, type EventObject } from 'xstate';
import type { ConversationRef } from '../conversation-ref.ts';

/** Time between two checks, and the number of conversations in each. */
const INTERVAL_MS = 1000;
const BATCH = 100;

/** The store and the registry of the check. */
export interface ExpiryDeps {
  /** The longest overdue first. */
  overdue(nowMs: number, limit: number): Promise<ConversationRef[]>;
  /** Notifies a conversation. One that cannot be opened now is found again by the next check. */
  expire(ref: ConversationRef, nowMs: number): void;
  onError(error: unknown): void;
}

/** Creates the actor that ends overdue approvals and questions, also of conversations that are not in memory. */
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
