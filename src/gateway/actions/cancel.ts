/**
 * Handles the action `cancel`. If the target chat still waits for a lookup, waits for it, so that the conversation has
 * the chat. Reads the log first, so that a conversation without a running turn is not opened.
 */
import { resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ActionDeps } from './action-handler.ts';
import type { ClientSession } from '../session.ts';

/** Sends the cancel to the conversation, or replies directly. A running turn is cancelled before this function first awaits. Rejects if the log cannot be read. */
export async function handleCancel(
  deps: ActionDeps,
  session: ClientSession,
  requestId: string,
  { conversation_id, target }: Payload<'cancel'>,
): Promise<void> {
  const { registry, store, delivery, pendingChats } = deps;
  const nothingRuns = (conversationId?: string) =>
    delivery.reply(
      session.id,
      resultFrame(requestId, { cancelled: [], disposition: 'nothing_running' }, conversationId),
    );
  if (conversation_id === undefined && !session.hasOwnConversation()) return nothingRuns();

  const ref = { owner: session.subject, conversationId: conversation_id ?? session.ownConversation() };
  const runs = () => (registry.state(ref)?.running ?? null) !== null;
  const pending = target === undefined && runs() ? null : pendingChats.find(ref, target);
  // Await only if needed: a chat sent after this cancel must not overtake it.
  if (pending) await pending.settled;
  const isOpen = registry.state(ref) !== null || (await store.hasOpenTurn(ref.owner, ref.conversationId));
  // The conversation may have been opened during the read of the log.
  if (!isOpen && registry.state(ref) === null) return nothingRuns(ref.conversationId);
  registry.route(ref, {
    type: 'client.cancel',
    by: { session: session.id, requestId },
    target: target ?? pending?.requestId ?? null,
  });
}
