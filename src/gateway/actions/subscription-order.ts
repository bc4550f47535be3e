/** Runs a socket's subscribe and unsubscribe requests for a conversation in the order in which they came. */
import type { ClientSession } from '../session.ts';

/** The order of all sockets. */
export interface SubscriptionOrder {
  /** Runs `work` after the earlier work of this socket and conversation has settled. Settles as `work` does. */
  run(session: Pick<ClientSession, 'id'>, conversationId: string, work: () => Promise<void> | void): Promise<void>;
}

/** Creates the order, empty. A failed request does not stop the next one. */
export function createSubscriptionOrder(): SubscriptionOrder {
  /** The last work of each socket and conversation; bounded by the frames that a socket may send. */
  const running = new Map<string, Promise<void>>();
  return {
    run(session, conversationId, work) {
      const key = `${session.id}\n${conversationId}`;
      const previous = running.get(key);
      const done = previous ? previous.then(work, work) : Promise.resolve(work());
      const settled = done
        .catch(() => {})
        .then(() => {
          if (running.get(key) === settled) running.delete(key);
        });
      running.set(key, settled);
      return done;
    },
  };
}
