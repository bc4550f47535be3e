/**
 * The action `cancel`. A conversation in which nothing can be running is not opened for it: the log tells.
 */
import { resultFrame } from '../protocol/frames.ts';
import type { Payload } from '../protocol/requests.ts';
import type { RequestDeps } from './request-deps.ts';
import type { ClientSession } from './session.ts';

/** Null when the Stop is on its way, or answered; else the look into the log, which rejects when that cannot be read. */
export function sendCancel(deps: RequestDeps, session: ClientSession, requestId: string, { conversation_id, target }: Payload<'cancel'>): Promise<void> | null {
  const { registry, store, outbox } = deps;
  const nothingRuns = (conversationId?: string) =>
    outbox.reply(session.id, resultFrame(requestId, { cancelled: [], disposition: 'nothing_running' }, conversationId));
  if (conversation_id === undefined && !session.hasOwnConversation()) {
    nothingRuns();
    return null;
  }
  const ref = { owner: session.subject, conversationId: conversation_id ?? session.ownConversation() };
  const route = () => registry.route(ref, { type: 'client.cancel', by: { session: session.id, requestId }, target: target ?? null });
  if (registry.standing(ref) !== null) {
    route();
    return null;
  }
  return store.standing(ref.owner, ref.conversationId, 0).then(({ open }) => {
    if (open.length > 0 || registry.standing(ref) !== null) route();
    else nothingRuns(ref.conversationId);
  });
}
