/**
 * The action `cancel`. A chat for which something is still being looked up is stopped once it has its place in the
 * conversation. A conversation in which nothing can be running is not opened for it: the log tells.
 */
import { resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ActionDeps } from './action-handler.ts';
import type { ClientSession } from '../session.ts';

/** Resolves when the Stop is on its way, or answered; what runs is stopped in this tick. Rejects when the log cannot be read. */
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
  // Not otherwise: a socket's chat that follows its Stop must not get past it.
  if (pending) await pending.settled;
  const isOpen = registry.state(ref) !== null || (await store.load(ref.owner, ref.conversationId, 0)).open.length > 0;
  // Somebody may have opened it while the log was being read.
  if (!isOpen && registry.state(ref) === null) return nothingRuns(ref.conversationId);
  registry.route(ref, {
    type: 'client.cancel',
    by: { session: session.id, requestId },
    target: target ?? pending?.requestId ?? null,
  });
}
