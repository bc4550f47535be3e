/** Implements the actions of recovery: takes the state from the log, and resumes or ends the interrupted turn. */
import { conversationSetup as setup } from '../setup.ts';
import { endAppend, newRunningTurn, startedNotice, waitingUpdate } from '../state-updates.ts';
import { tasksOfEndedTurn } from '../decisions/abandoned-tasks.ts';
import { callsToResume, onlyWaits, recoveryRows } from '../decisions/recovery.ts';
import { stoppedEnd, turnEndRow } from '../decisions/turn-end.ts';

/** Named as the charts name them. Each does nothing for an event that it does not know. */
export const recoveryActions = {
  restoreState: setup.assign(({ event }) => {
    if (event.type !== 'xstate.done.actor.log') return {};
    const { interrupted, stopped, queue, remembered, spent } = event.output;
    return { interrupted, stopped, queue: queue.map((turn) => ({ kind: 'turn', turn }) as const), remembered, spent };
  }),
  appendRecovery: setup.enqueueActions(({ context, enqueue }) => {
    for (const { requestId, reason } of context.stopped) {
      enqueue.emit(endAppend(requestId, [turnEndRow(requestId, stoppedEnd(reason))], stoppedEnd(reason)));
    }
    enqueue.assign({ stopped: [] });
    if (!context.interrupted || onlyWaits(context.interrupted)) return;
    const { requestId } = context.interrupted;
    const { rows, end } = recoveryRows(context.interrupted, context.limits.recovery);
    const news = end
      ? { end: { requestId, payload: end } }
      : waitingUpdate(requestId, callsToResume(context.interrupted));
    enqueue.emit({ type: 'append', tag: { of: 'recovery' }, rows, ...news });
  }),
  resumeInterrupted: setup.enqueueActions(({ context: { interrupted }, enqueue }) => {
    if (!interrupted) return;
    enqueue.assign({ turn: { ...newRunningTurn(interrupted), calls: callsToResume(interrupted) }, interrupted: null });
    if (!interrupted.begun) enqueue.emit(startedNotice(interrupted.requestId));
  }),
  forgetInterrupted: setup.enqueueActions(({ context: { interrupted }, enqueue }) => {
    if (interrupted) for (const task of tasksOfEndedTurn(interrupted)) enqueue.emit(task);
    enqueue.assign({ interrupted: null });
  }),
};
