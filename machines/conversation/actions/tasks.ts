/**
 * Implements the actions about tasks: an MCP server answers a call with a handle in place of a result. The handle is a
 * row before the call waits for the task.
 */
import { conversationSetup as setup } from '../setup.ts';
import { taskRow, withTask } from '../rows/task-row.ts';

/** Named as the charts name them. Each does nothing for an event that it does not know. */
export const taskActions = {
  appendTask: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'call.becameTask' || !context.turn) return;
    const { turn } = context;
    const { callId, task, workedMs } = event;
    const call = turn.calls.find((candidate) => candidate.callId === callId);
    if (!call) return;
    const calls = turn.calls.map((other) =>
      other === call ? { ...call, resume: withTask(call.resume, task, workedMs) } : other,
    );
    enqueue.assign({ turn: { ...turn, calls } });
    enqueue.emit({
      type: 'append',
      tag: { of: 'task', callId },
      rows: [taskRow(turn.requestId, call, task, workedMs)],
    });
  }),
  /** The handle is in the log. The call's actor waits for the task from here on. */
  confirmTask: setup.enqueueActions(({ event, enqueue }) => {
    if (event.type === 'log.committed' && event.tag.of === 'task')
      enqueue.sendTo(`call:${event.tag.callId}`, { type: 'call.taskStored' });
  }),
};
