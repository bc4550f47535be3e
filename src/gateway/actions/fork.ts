/**
 * The action `fork`: a conversation goes on in two ways from the end of one of its turns. It opens neither
 * of them; the origin may be at work meanwhile.
 */
import { fault } from '../../errors.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ActionDeps } from './action-handler.ts';
import type { ClientSession } from '../session.ts';

/** Every outcome is a frame. */
export async function handleFork(
  { store, delivery }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { conversation_id: conversationId, at_seq: atSeq }: Payload<'fork'>,
): Promise<void> {
  const outcome = await store.fork(session.subject, conversationId, atSeq);
  if (outcome.status === 'forked') {
    delivery.reply(session.id, resultFrame(requestId, { conversation_id: outcome.conversationId }, conversationId));
    return;
  }
  const problem = outcome.status === 'failed' ? outcome.fault : invalidForkPoint(atSeq, outcome.nearest);
  delivery.reply(session.id, errorFrame(requestId, problem, conversationId));
}

function invalidForkPoint(atSeq: number, nearest: readonly number[]) {
  const where =
    nearest.length === 0
      ? 'No turn of this conversation has ended yet.'
      : `The nearest ${nearest.length === 1 ? 'place is' : 'places are'} ${nearest.join(' and ')}.`;
  const problem = `payload.at_seq: no fork can be made at ${atSeq}, only where a turn has ended and no other was waiting. ${where}`;
  return fault('invalid_request', problem, { path: 'payload.at_seq', nearest });
}
