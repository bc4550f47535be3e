/**
 * Handles the action `conversations`: replies with a page of the list. Opens no conversation: their activity is read
 * from the log.
 */
import { roundCost } from '../../../machines/usage.ts';
import { fault } from '../../errors.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { Results } from '../../protocol/actions.ts';
import type { ListedConversation } from '../../store/listing.ts';
import type { ActionDeps } from './action-handler.ts';
import type { ClientSession } from '../session.ts';

/** Rejects if the log cannot be read, or too many reads wait. */
export async function handleConversations(
  { store, delivery, reads }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { cursor, limit }: Payload<'conversations'>,
): Promise<void> {
  const page = await reads.run(session.subject, session, () =>
    store.conversations(session.subject, { limit, ...(cursor === undefined ? {} : { cursor }) }),
  );
  if (!page) {
    const message = 'payload.cursor: expected the next_cursor of an earlier page, or none.';
    delivery.reply(session.id, errorFrame(requestId, fault('invalid_request', message, { path: 'payload.cursor' })));
    return;
  }
  delivery.reply(
    session.id,
    resultFrame(requestId, {
      conversations: page.conversations.map(serializeConversation),
      next_cursor: page.nextCursor,
    }),
  );
}

function serializeConversation(conversation: ListedConversation): Results['conversations']['conversations'][number] {
  return {
    conversation_id: conversation.conversationId,
    title: conversation.title,
    created_at: conversation.createdAt,
    updated_at: conversation.updatedAt,
    message_count: conversation.messageCount,
    tokens: conversation.tokens,
    spent_tokens: conversation.spentTokens,
    cost: roundCost(conversation.cost),
    head_seq: conversation.headSeq,
    activity: conversation.activity,
  };
}
