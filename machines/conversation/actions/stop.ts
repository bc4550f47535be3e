/**
 * Implements the actions that end work: cancel and delete. A cancel commits its row, then answers its requesters, then
 * aborts the work. An interrupting chat cancels in the same way, without a requester. A delete aborts the work, waits
 * for pending commits, removes the log, and only then answers.
 */
import { conversationSetup as setup } from '../setup.ts';
import { tasksWithoutActor } from '../decisions/abandoned-tasks.ts';
import { cancelRow } from '../rows/turn-rows.ts';

/** Named as the charts name them. Each does nothing for an event that it does not know. */
export const stopActions = {
  replyNothingRunning: setup.enqueueActions(({ event, enqueue }) => {
    if (event.type !== 'client.cancel' || !event.by) return;
    enqueue.emit({ type: 'reply', to: event.by, result: { cancelled: [], disposition: 'nothing_running' } });
  }),
  appendCancel: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'client.cancel' || !context.turn) return;
    const reason = event.by ? 'cancelled' : 'interrupted';
    enqueue.assign({
      turn: { ...context.turn, stop: { reason, requesters: event.by ? [event.by] : [], committed: false } },
    });
    enqueue.emit({ type: 'append', tag: { of: 'cancel' }, rows: [cancelRow(context.turn.requestId, reason)] });
  }),
  /** A second cancel is answered together with the first: at once, or with its commit. */
  joinCancel: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'client.cancel' || !event.by || !context.turn?.stop) return;
    const { turn } = context;
    const { by } = event;
    const { stop } = context.turn;
    if (stop.committed)
      enqueue.emit({ type: 'reply', to: by, result: { cancelled: [turn.requestId], disposition: 'cancelled' } });
    else enqueue.assign({ turn: { ...turn, stop: { ...stop, requesters: [...stop.requesters, by] } } });
  }),
  confirmCancel: setup.enqueueActions(({ context, enqueue }) => {
    const { turn } = context;
    if (!turn?.stop) return;
    for (const to of turn.stop.requesters)
      enqueue.emit({ type: 'reply', to, result: { cancelled: [turn.requestId], disposition: 'cancelled' } });
    enqueue.assign({ turn: { ...turn, stop: { ...turn.stop, requesters: [], committed: true } } });
  }),
  stopWork: setup.enqueueActions(({ context, enqueue }) => {
    const { turn } = context;
    if (!turn) return;
    if (turn.asking) enqueue.sendTo('answer', { type: 'answer.stop' });
    for (const call of turn.calls)
      if (call.stage === 'running') enqueue.sendTo(`call:${call.callId}`, { type: 'call.cancel' });
    for (const task of tasksWithoutActor(turn.calls)) enqueue.emit(task);
  }),
  addDeleter: setup.assign(({ context, event }) =>
    event.type === 'client.delete' ? { deleters: [...context.deleters, event.by] } : {},
  ),
  removeLog: setup.emit({ type: 'remove' }),
  confirmRemoval: setup.enqueueActions(({ context, enqueue }) => {
    enqueue.emit({ type: 'deleted' });
    for (const to of context.deleters) enqueue.emit({ type: 'reply', to, result: {} });
    enqueue.assign({ deleters: [] });
  }),
  refuseDeleters: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'log.failed') return;
    for (const to of context.deleters) enqueue.emit({ type: 'refuse', to, fault: event.fault });
    enqueue.assign({ deleters: [] });
  }),
};
