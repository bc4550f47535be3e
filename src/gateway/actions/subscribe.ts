/**
 * The actions `subscribe` and `unsubscribe`: where the conversation stands, then everything from the cursor on, until
 * it is no longer wanted. Neither opens a conversation: of one that has left memory the log tells where it stands.
 */
import { onlyWaits } from '../../../machines/conversation/decisions/recovery.ts';
import { foldLog } from '../../../machines/conversation/rows/recovery-state.ts';
import { noSuchConversation } from '../../errors.ts';
import { errorFrame, resultFrame, type ConversationState } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/requests.ts';
import type { LoadedConversation } from '../../store/port.ts';
import type { RequestDeps } from './request-deps.ts';
import type { ClientSession } from '../session.ts';

type Subscribe = Payload<'subscribe'>;
type Unsubscribe = Payload<'unsubscribe'>;

/** Both are done in the order in which a socket asks for them, though reading the log takes its time; both reject when it cannot be read. */
export interface Subscriptions {
  subscribe(session: ClientSession, requestId: string, payload: Subscribe): Promise<void>;
  unsubscribe(session: ClientSession, requestId: string, payload: Unsubscribe): Promise<void>;
}

export function createSubscriptions(deps: RequestDeps): Subscriptions {
  /** By socket and conversation, what is still being done; bounded by the frames that a socket may send. */
  const underWay = new Map<string, Promise<void>>();

  const inOrder = (session: ClientSession, conversationId: string, work: () => Promise<void> | void): Promise<void> => {
    const key = `${session.id}\n${conversationId}`;
    const before = underWay.get(key);
    const done = before ? before.then(work, work) : Promise.resolve(work());
    const settled = done
      .catch(() => {})
      .then(() => {
        if (underWay.get(key) === settled) underWay.delete(key);
      });
    underWay.set(key, settled);
    return done;
  };

  return {
    subscribe: (session, requestId, payload) =>
      inOrder(session, payload.conversation_id, () => subscribe(deps, session, requestId, payload)),
    unsubscribe: (session, requestId, { conversation_id: conversationId }) =>
      inOrder(session, conversationId, () => {
        deps.outbox.unsubscribe(session.id, { owner: session.subject, conversationId });
        deps.outbox.reply(session.id, resultFrame(requestId, {}, conversationId));
      }),
  };
}

/** The result and the first step of catching up happen in one tick: nothing of the conversation comes between. */
async function subscribe(
  { registry, store, outbox }: RequestDeps,
  session: ClientSession,
  requestId: string,
  { conversation_id: conversationId, state: wantsState, ...cursor }: Subscribe,
): Promise<void> {
  const ref = { owner: session.subject, conversationId };
  const stored = await store.load(ref.owner, conversationId, 0);
  if (!stored.known) {
    outbox.reply(session.id, errorFrame(requestId, noSuchConversation(), conversationId));
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
    active: running === null ? null : { request_id: running, message_id: outbox.drafting(ref) },
  };
  outbox.reply(session.id, resultFrame(requestId, result, conversationId));
  outbox.subscribe(session.id, ref, {
    cursor: { ...cursor, after_seq: Math.max(afterSeq, oldestSeq - 1) },
    wantsState,
    state,
  });
}

/** A conversation that no actor runs is idle, or waits for people. */
function dormant({ rows, open }: LoadedConversation): { state: ConversationState; running: string | null } {
  const { interrupted } = foldLog(
    rows,
    open.map((turn) => turn.requestId),
    Date.now(),
  );
  if (interrupted === null || !onlyWaits(interrupted))
    return { state: { value: 'idle', hop: 0, can: ['chat'] }, running: null };
  return {
    state: { value: 'turn.toolHop.waiting', hop: interrupted.hops, can: ['cancel', 'chat', 'respond'] },
    running: interrupted.requestId,
  };
}
