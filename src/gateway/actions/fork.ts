/**
 * Handles the action `fork`: copies a conversation up to the end of a turn into a new one. Opens neither of them. The
 * original may be running.
 */
import { fault } from '../../errors.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ActionDeps } from './action-handler.ts';
import type { ClientSession } from '../session.ts';

/** Every outcome is a frame, also a failure of the store. */
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
  const failure = outcome.status === 'failed' ? outcome.fault : invalidForkPoint(atSeq, outcome.nearest);
  delivery.reply(session.id, errorFrame(requestId, failure, conversationId));
}

function invalidForkPoint(atSeq: number, nearest: readonly number[]) {
  const where =
    nearest.length === 0 ? 'No turn of this conversation has ended yet.' : `Nearest: ${nearest.join(' and ')}.`;
  const message = `payload.at_seq: no fork is possible at ${atSeq}. It must be the end of a turn while no other turn was queued. ${where}`;
  return fault('invalid_request', message, { path: 'payload.at_seq', nearest });
}
