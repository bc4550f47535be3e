/**
 * Implements the actions on a message before its turn runs: defer, commit, queue, reject, withdraw. Every turn starts
 * here.
 */
import { awaitsPerson } from '../rows/approval-rows.ts';
import type { ConversationContext } from '../context.ts';
import type { QueuedTurn } from '../turn-state.ts';
import { conversationSetup as setup } from '../setup.ts';
import { requesterOf, endAppend, newRunningTurn, startedNotice } from '../state-updates.ts';
import { chartFault } from '../../faults.ts';
import { stoppedEnd, turnEndRow } from '../decisions/turn-end.ts';
import { cancelRow, rewindRow, userMessageRow } from '../rows/turn-rows.ts';

/** Before the actor stops: rejects all pending requests with an error that says to send again. */
const refuseUnanswered = (code: 'conversation_failed' | 'conversation_deleted' | 'shutting_down') =>
  setup.enqueueActions(({ context, enqueue }) => {
    const waiting = [...context.arriving, ...context.deferred].map((event) =>
      event.type === 'client.chat' ? requesterOf(event) : event.by,
    );
    for (const to of [...waiting, ...(context.turn?.stop?.requesters ?? []), ...context.deleters]) {
      if (to)
        enqueue.emit({
          type: 'refuse',
          to,
          fault: chartFault(code, 'The conversation was closed before this was answered. Send it again.'),
        });
    }
  });

/** The actions that are legal while a turn runs, and advice for the client. */
function duringTurn({ turn }: ConversationContext): { can: string[]; advice: string } {
  return turn?.calls.some(awaitsPerson)
    ? { can: ['cancel', 'chat', 'respond'], advice: 'Answer what the turn asks, cancel it' }
    : { can: ['cancel', 'chat'], advice: 'Wait for its end, cancel it' };
}

/** Named as the charts name them. Each does nothing for an event that it does not know. */
export const queueActions = {
  defer: setup.assign(({ context, event }) => {
    if (event.type === 'client.chat' || event.type === 'client.respond')
      return { deferred: [...context.deferred, event] };
    if (event.type !== 'client.cancel') return {};
    // A cancel means the turn that ran when it was sent, not the turn that runs when it is handled.
    return { deferred: [...context.deferred, { ...event, target: event.target ?? context.turn?.requestId ?? null }] };
  }),
  raiseDeferred: setup.enqueueActions(({ context, enqueue }) => {
    if (context.deferred.length === 0) return;
    for (const event of context.deferred) enqueue.raise(event);
    enqueue.assign({ deferred: [] });
  }),
  refuseAsFailed: refuseUnanswered('conversation_failed'),
  refuseAsStopped: refuseUnanswered('shutting_down'),
  refuseAsDeleted: refuseUnanswered('conversation_deleted'),
  appendMessage: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'client.chat') return;
    enqueue.assign({ arriving: [...context.arriving, event] });
    enqueue.emit({
      type: 'append',
      tag: { of: 'message', chat: event },
      rows: [userMessageRow(event), ...(event.rewindTo === null ? [] : [rewindRow(event.requestId, event.rewindTo)])],
      begin: { requestId: event.requestId, digest: event.digest },
    });
  }),
  refuseFullQueue: setup.enqueueActions(({ context, event, enqueue }) => {
    const to = event.type === 'client.chat' ? requesterOf(event) : 'by' in event ? event.by : null;
    if (!to) return;
    const message = `This conversation has ${context.limits.queueLength} turns waiting, which is its limit. Wait for one to end.`;
    const problem = chartFault('overloaded', message, { retry_after_ms: 1000 });
    enqueue.emit({ type: 'refuse', to, fault: problem, ...(event.type === 'client.chat' ? { chat: event } : {}) });
  }),
  refuseBusy: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'client.chat') return;
    const { can, advice } = duringTurn(context);
    const message = `A turn is running and the message said mode "reject". ${advice}, or send with mode "queue" or "interrupt".`;
    enqueue.emit({
      type: 'refuse',
      to: requesterOf(event),
      fault: chartFault('illegal_in_state', message, { can }),
      chat: event,
    });
  }),
  refuseRewind: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'client.chat') return;
    const { can, advice } = duringTurn(context);
    const message = `A turn is running, and the message goes back to an earlier one. ${advice}, or send with mode "interrupt".`;
    enqueue.emit({
      type: 'refuse',
      to: requesterOf(event),
      fault: chartFault('illegal_in_state', message, { can }),
      chat: event,
    });
  }),
  /** Turns a committed message into the next turn, a follower of the turn that it repeats, or a rejection. */
  admit: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'log.committed' || event.tag.of !== 'message') return;
    const { chat } = event.tag;
    const { outcome } = event;
    enqueue.assign({ arriving: context.arriving.filter((other) => other !== chat) });
    if (outcome.status === 'duplicate') {
      enqueue.emit({ type: 'turn.attached', chat, ended: outcome.ended });
    } else if (outcome.status === 'reused') {
      const message = `The request_id "${chat.requestId}" belongs to another message of this conversation. Use a new one.`;
      enqueue.emit({ type: 'refuse', to: requesterOf(chat), fault: chartFault('request_id_reused', message) });
    } else {
      const ahead = context.turn === null && context.queue.length === 0;
      const inFront = chat.mode === 'interrupt';
      const turn: QueuedTurn = { requestId: chat.requestId, hops: 0, used: [], announced: !ahead };
      const next = { kind: 'turn', turn } as const;
      enqueue.assign({ queue: inFront ? [next, ...context.queue] : [...context.queue, next] });
      const position = inFront ? 1 : context.queue.filter((next) => next.kind === 'turn').length + 1;
      enqueue.emit({
        type: 'turn.accepted',
        chat,
        seq: outcome.seq,
        disposition: ahead ? 'started' : 'queued',
        position,
      });
      if (inFront && context.turn) enqueue.raise({ type: 'client.cancel', by: null, target: context.turn.requestId });
    }
  }),
  refuseUnstored: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'log.failed' || event.tag.of !== 'message') return;
    const { chat } = event.tag;
    enqueue.assign({ arriving: context.arriving.filter((other) => other !== chat) });
    enqueue.emit({ type: 'refuse', to: requesterOf(chat), fault: event.fault });
  }),
  startNext: setup.enqueueActions(({ context, enqueue }) => {
    const [next, ...queue] = context.queue;
    if (next?.kind !== 'turn') return;
    enqueue.assign({ queue, turn: newRunningTurn(next.turn) });
    if (next.turn.announced) enqueue.emit(startedNotice(next.turn.requestId));
  }),
  /** Queued turns stay in the log and in the queue: a cancel may still target one. */
  stopWhenIdle: setup.assign(({ context }) => ({
    queue: [{ kind: 'stop' }, ...context.queue.filter((next) => next.kind === 'turn')],
  })),
  withdraw: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'client.cancel' || event.target === null) return;
    const { target: requestId } = event;
    enqueue.assign({
      queue: context.queue.filter((next) => next.kind !== 'turn' || next.turn.requestId !== requestId),
      arriving: [...context.arriving, event],
    });
    enqueue.emit({
      type: 'append',
      tag: { of: 'withdrawal', requestId, cancel: event },
      rows: [cancelRow(requestId, 'cancelled')],
    });
  }),
  endWithdrawn: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'log.committed' || event.tag.of !== 'withdrawal') return;
    const { requestId, cancel } = event.tag;
    enqueue.assign({ arriving: context.arriving.filter((other) => other !== cancel) });
    if (cancel.by)
      enqueue.emit({ type: 'reply', to: cancel.by, result: { cancelled: [requestId], disposition: 'cancelled' } });
    enqueue.emit(endAppend(requestId, [turnEndRow(requestId, stoppedEnd('cancelled'))], stoppedEnd('cancelled')));
  }),
};
