/** Handles the action `unsubscribe`: ends the socket's subscription to a conversation. */
import { resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';

/** Replies with an empty result, also if the socket has no such subscription. */
export function handleUnsubscribe(
  { delivery, subscriptionOrder }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { conversation_id: conversationId }: Payload<'unsubscribe'>,
): Promise<void> {
  return subscriptionOrder.run(session, conversationId, () => {
    delivery.unsubscribe(session.id, { owner: session.subject, conversationId });
    delivery.reply(session.id, resultFrame(requestId, {}, conversationId));
  });
}
