/**
 * The action `subscribe`: where the conversation stands, then everything from the cursor on. It opens no
 * conversation: of one that has left memory the log tells where it stands.
 */
import { onlyWaits } from '../../machines/recovery.ts';
import { foldStanding } from '../../machines/standing.ts';
import { fault } from '../errors.ts';
import { errorFrame, type ConversationState, type Request } from '../protocol.ts';
import type { Standing } from '../store/store.ts';
import type { RequestDeps } from './requests.ts';
import type { ClientSession } from './session.ts';

/** Rejects when the log cannot be read. The result and the first step of catching up happen in one tick: nothing of the conversation comes between. */
export async function subscribe(
  { registry, store, outbox }: RequestDeps,
  session: ClientSession,
  requestId: string,
  { conversation_id: conversationId, state: wantsState, ...cursor }: Extract<Request, { action: 'subscribe' }>['payload'],
): Promise<void> {
  const ref = { owner: session.subject, conversationId };
  const stored = await store.standing(ref.owner, conversationId, 0);
  if (!stored.known) {
    outbox.reply(session.id, errorFrame(requestId, fault('not_found', 'There is no such conversation.'), conversationId));
    return;
  }
  const { headSeq, oldestSeq } = stored;
  const reset = cursor.after_seq > headSeq;
  const afterSeq = reset ? 0 : cursor.after_seq;
  const { state, running } = registry.standing(ref) ?? dormant(stored);
  outbox.reply(session.id, {
    request_id: requestId,
    status: 'result',
    conversation_id: conversationId,
    result: {
      head_seq: headSeq,
      oldest_seq: oldestSeq,
      truncated: afterSeq + 1 < oldestSeq,
      reset,
      state: state.value,
      can: state.can,
      active: running === null ? null : { request_id: running, message_id: outbox.drafting(ref) },
    },
  });
  outbox.subscribe(session.id, ref, { cursor: { ...cursor, after_seq: afterSeq }, wantsState, state });
}

/** A conversation that no actor runs is idle, or waits for people. */
function dormant({ rows, open }: Standing): { state: ConversationState; running: string | null } {
  const { interrupted } = foldStanding(rows, open.map((turn) => turn.requestId), Date.now());
  if (interrupted === null || !onlyWaits(interrupted)) return { state: { value: 'idle', hop: 0, can: ['chat'] }, running: null };
  return { state: { value: 'turn.toolHop.waiting', hop: interrupted.hops, can: ['cancel', 'chat', 'respond'] }, running: interrupted.requestId };
}
