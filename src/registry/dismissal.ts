/**
 * Runs the registry's `dismissal` while the server drains: finds the sockets to which a running conversation still owes
 * frames or an answer, and closes all others.
 */
import { fromCallback, type EventObject } from 'xstate';
import type { ConversationRef } from '../conversation-ref.ts';
import type { LiveConversation } from '../conversation/live-conversation.ts';

/** Time between two checks: the longest time from the end of a socket's last turn to its close. */
const INTERVAL_MS = 20;

/** The conversations and the gateway of the drain. */
export interface DismissalDeps {
  /** Conversations with an actor. In a drain these have a running turn or a pending deletion. */
  conversations(): Iterable<Pick<LiveConversation, 'ref' | 'unanswered'>>;
  /** Ids of the sockets that follow the conversation, or one of its turns. */
  followers(ref: ConversationRef): Iterable<string>;
  /** Closes every socket except these, by id. */
  dismiss(needed: ReadonlySet<string>): void;
}

/** Checks at once, then at a short interval until it is stopped. */
export function createDismissalLogic({ conversations, followers, dismiss }: DismissalDeps) {
  const look = () => {
    const needed = new Set<string>();
    for (const { ref, unanswered } of conversations()) {
      for (const { session } of unanswered) needed.add(session);
      for (const session of followers(ref)) needed.add(session);
    }
    dismiss(needed);
  };

  return fromCallback<EventObject>(() => {
    look();
    const timer = setInterval(look, INTERVAL_MS);
    return () => clearInterval(timer);
  });
}
