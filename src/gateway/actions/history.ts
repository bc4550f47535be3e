/**
 * Handles the action `history`: replies with a page of a conversation's rows, newest last. Opens no conversation.
 */
import { noSuchConversation } from '../../errors.ts';
import { eventOf } from '../../delivery/render.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ActionDeps } from './action-handler.ts';
import type { ClientSession } from '../session.ts';

/** Rejects if the log cannot be read, or too many reads wait. */
export async function handleHistory(
  { store, delivery, reads }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { conversation_id: conversationId, before_seq: beforeSeq, limit }: Payload<'history'>,
): Promise<void> {
  await reads.run(session.subject, session, async () => {
    if (!session.isOpen()) return;
    const page = await store.events(session.subject, conversationId, {
      limit,
      ...(beforeSeq === undefined ? {} : { beforeSeq }),
    });
    if (!page) {
      delivery.reply(session.id, errorFrame(requestId, noSuchConversation(), conversationId));
      return;
    }
    const first = page.rows[0]?.seq;
    const result = {
      events: page.rows.map(eventOf),
      head_seq: page.headSeq,
      oldest_seq: page.oldestSeq,
      next_before_seq: first !== undefined && first > page.oldestSeq ? first : null,
    };
    delivery.reply(session.id, resultFrame(requestId, result, conversationId));
  });
}
