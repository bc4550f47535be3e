/**
 * Which conversations have appends on their way to the log. A conversation that reopens must read what its
 * predecessor, which may have crashed, had already handed over: else a turn whose end is being committed runs twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { conversationKey, type ConversationRef } from '../conversation-ref.ts';

export interface InFlight {
  /** Counts an append; the function it returns says that it has landed or failed, and may say so again. */
  depart(ref: ConversationRef): () => void;
  /** Resolves when nothing of this conversation is on its way, or will not arrive any more. */
  quiet(ref: ConversationRef): Promise<void>;
}

/** Longer than the writer's own retries: an append that is not answered by then never will be. */
const MAX_WAIT_MS = 5_000;

interface Traffic {
  appends: number;
  landed: PromiseWithResolvers<void>;
}

/** Holds an entry only for conversations with appends under way. */
export function createInFlight(): InFlight {
  const traffic = new Map<string, Traffic>();

  return {
    depart(ref) {
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
    async quiet(ref) {
      const landed = traffic.get(conversationKey(ref))?.landed.promise;
      if (landed) await Promise.race([landed, delay(MAX_WAIT_MS, undefined, { ref: false })]);
    },
  };
}
