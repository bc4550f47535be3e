/**
 * Handles the action `delete`. Rejects it if the conversation does not exist for this owner. Otherwise the conversation
 * deletes itself, in any state.
 */
import { noSuchConversation } from '../../errors.ts';
import { errorFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ActionDeps } from './action-handler.ts';
import type { ClientSession } from '../session.ts';

/** Rejects if the log cannot be read. */
export async function handleDelete(
  { registry, store, delivery }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { conversation_id: conversationId }: Payload<'delete'>,
): Promise<void> {
  const owner = session.subject;
  if ((await store.page(owner, conversationId, { limit: 0 })) === null) {
    delivery.reply(session.id, errorFrame(requestId, noSuchConversation(), conversationId));
    return;
  }
  registry.route({ owner, conversationId }, { type: 'client.delete', by: { session: session.id, requestId } });
}
