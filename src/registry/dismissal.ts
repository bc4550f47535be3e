/**
 * Runs the registry's `dismissal` while the server drains: finds the sockets that a running conversation still owes
 * frames or an answer, and has every other one sent away.
 */
import { fromCallback, type EventObject } from 'xstate';
import type { ConversationRef } from '../conversation-ref.ts';
import type { LiveConversation } from '../conversation/live-conversation.ts';

/** How soon a socket goes after its last turn has ended. */
const INTERVAL_MS = 20;

export interface DismissalDeps {
  /** Those with an actor: in a drain, those with a turn that runs, or a deletion. */
  conversations(): Iterable<Pick<LiveConversation, 'ref' | 'unanswered'>>;
  /** Ids of the sockets that follow the conversation, or one of its turns. */
  followers(ref: ConversationRef): Iterable<string>;
  /** Sends every socket away but these, by id. */
  dismiss(needed: ReadonlySet<string>): void;
}

/** Looks at once, then at a short interval until it is stopped. */
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
