/**
 * Handles the action `subscribe`: replies with the state of the conversation, then sends everything after the cursor.
 * Opens no conversation: if it is not in memory, its state is read from the log.
 */
import { WAITING_STATE } from '../../../machines/conversation/decisions/log-state.ts';
import { onlyWaits } from '../../../machines/conversation/decisions/recovery.ts';
import { foldLog } from '../../../machines/conversation/rows/recovery-state.ts';
import { noSuchConversation } from '../../errors.ts';
import { errorFrame, resultFrame, type ConversationState } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { LoadedConversation } from '../../store/port.ts';
import type { ActionDeps } from './action-handler.ts';
import type { ClientSession } from '../session.ts';

/** Rejects if the log cannot be read, or too many reads wait. */
export function handleSubscribe(
  deps: ActionDeps,
  session: ClientSession,
  requestId: string,
  payload: Payload<'subscribe'>,
): Promise<void> {
  return deps.subscriptionOrder.run(session, payload.conversation_id, () =>
    deps.reads.run(session.subject, session, () => subscribe(deps, session, requestId, payload)),
  );
}

/** The result and the start of catching up happen in one tick, so no frame of the conversation comes between. */
async function subscribe(
  { registry, store, delivery }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { conversation_id: conversationId, state: wantsState, ...cursor }: Payload<'subscribe'>,
): Promise<void> {
  if (!session.isOpen()) return;
  const ref = { owner: session.subject, conversationId };
  const stored = await store.load(ref.owner, conversationId, 0);
  if (!stored.known) {
    delivery.reply(session.id, errorFrame(requestId, noSuchConversation(), conversationId));
    return;
  }
  const { headSeq, oldestSeq } = stored;
  const reset = cursor.after_seq > headSeq;
  const afterSeq = reset ? 0 : cursor.after_seq;
  const { state, running } = registry.state(ref) ?? dormant(stored);
  const result = {
    head_seq: headSeq,
    oldest_seq: oldestSeq,
    truncated: afterSeq + 1 < oldestSeq,
    reset,
    state: state.value,
    can: state.can,
    active: running === null ? null : { request_id: running, message_id: delivery.drafting(ref) },
  };
  delivery.reply(session.id, resultFrame(requestId, result, conversationId));
  delivery.subscribe(session.id, ref, {
    cursor: { ...cursor, after_seq: Math.max(afterSeq, oldestSeq - 1) },
    wantsState,
    state,
  });
}

/** The state of a conversation that is not in memory: idle, or waiting for people. */
function dormant({ rows, open }: LoadedConversation): { state: ConversationState; running: string | null } {
  const { interrupted } = foldLog(
    rows,
    open.map((turn) => turn.requestId),
    Date.now(),
  );
  if (interrupted === null || !onlyWaits(interrupted))
    return { state: { value: 'idle', hop: 0, can: ['chat'] }, running: null };
  return {
    state: { value: WAITING_STATE, hop: interrupted.hops, can: ['cancel', 'chat', 'respond'] },
    running: interrupted.requestId,
  };
}
