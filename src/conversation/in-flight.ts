/**
 * Counts the pending appends of each conversation. A conversation that reopens must read the rows that its predecessor
 * was still committing when it crashed. Otherwise a turn whose end is being committed would run twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { conversationKey, type ConversationRef } from '../conversation-ref.ts';

/** The pending appends of all conversations. */
export interface InFlight {
  /** Counts an append. Call the returned function when it is committed or has failed; further calls have no effect. */
  begin(ref: ConversationRef): () => void;
  /** Resolves when the conversation has no pending append, at the latest after the longest wait. */
  whenIdle(ref: ConversationRef): Promise<void>;
}

/** Longest wait in ms. It is longer than the writer's own retries, so an append without an answer by then never gets one. */
const MAX_WAIT_MS = 5_000;

interface Traffic {
  appends: number;
  landed: PromiseWithResolvers<void>;
}

/** Holds entries only for conversations with pending appends. */
export function createInFlight(): InFlight {
  const traffic = new Map<string, Traffic>();

  return {
    begin(ref) {
      const key = conversationKey(ref);
      const own = traffic.get(key) ?? { appends: 0, landed: Promise.withResolvers<void>() };
      traffic.set(key, own);
      own.appends += 1;
      let onItsWay = true;
      return () => {
        if (!onItsWay) return;
        onItsWay = false;
        own.appends -= 1;
        if (own.appends > 0) return;
        traffic.delete(key);
        own.landed.resolve();
      };
    },
    async whenIdle(ref) {
      const landed = traffic.get(conversationKey(ref))?.landed.promise;
      if (landed) await Promise.race([landed, delay(MAX_WAIT_MS, undefined, { ref: false })]);
    },
  };
}
