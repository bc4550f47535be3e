/**
 * Implements the actions of a tool hop: stores the answer that asks for tools, starts its calls within their limit, and
 * stores each result.
 */
import type { OpenCall } from '../turn-state.ts';
import { withEdit } from '../rows/approval-rows.ts';
import { conversationSetup as setup } from '../setup.ts';
import { updateTurn, waitingUpdate } from '../state-updates.ts';
import { hopPlan } from '../decisions/hop-plan.ts';
import { closedQuestion } from '../decisions/question-plan.ts';
import { dispatchRow, resultRow } from '../rows/turn-rows.ts';
import { usedBy } from '../../usage.ts';

/** Named as the charts name them. Each does nothing for an event that it does not know. */
export const toolHopActions = {
  appendHop: setup.enqueueActions(({ context, enqueue }) => {
    if (!context.turn) return;
    const { rows, calls } = hopPlan(context.turn, context.limits.approvalTimeoutMs, context.remembered);
    enqueue.assign(({ context }) => updateTurn(context, () => ({ calls })));
    enqueue.emit({ type: 'append', tag: { of: 'hop' }, rows, ...waitingUpdate(context.turn.requestId, calls) });
  }),
  countHop: setup.assign(({ context }) =>
    updateTurn(context, (turn) => ({
      hops: turn.hops + 1,
      used: usedBy(turn),
      answer: null,
      provider: 0,
      attempt: 0,
      emptyAnswers: 0,
      waitedMs: 0,
    })),
  ),
  startCalls: setup.enqueueActions(({ context, enqueue }) => {
    const { turn, limits, conversationId, owner } = context;
    if (!turn || turn.fault) return;
    const free = limits.toolConcurrency - turn.calls.filter((call) => call.stage === 'running').length;
    const starting = turn.calls.filter((call) => call.stage === 'ready').slice(0, free);
    if (starting.length === 0) return;
    const { toolTimeoutMs, toolMaxTimeoutMs: maxTimeoutMs, approvalTimeoutMs: answerTimeoutMs } = limits;
    const { toolTaskTimeoutMs: taskTimeoutMs } = limits;
    for (const { callId, tool, arguments: args, edited, resume } of starting) {
      const input = {
        conversationId,
        owner,
        requestId: turn.requestId,
        callId,
        tool,
        arguments: edited ?? args,
        resume,
        timeoutMs: tool.timeoutMs ?? toolTimeoutMs,
        maxTimeoutMs,
        taskTimeoutMs,
        answerTimeoutMs,
      };
      enqueue.spawnChild('toolCall', { id: `call:${callId}`, input });
    }
    const calls = turn.calls.map((call) => (starting.includes(call) ? { ...call, stage: 'running' as const } : call));
    enqueue.assign({ turn: { ...turn, calls } });
  }),
  recordResult: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'call.settled' || !context.turn) return;
    const { turn } = context;
    const { callId, result } = event;
    const call = turn.calls.find((candidate) => candidate.callId === callId);
    enqueue.stopChild(`call:${callId}`);
    if (!call) return;
    const calls = turn.calls.map((other) =>
      other === call ? { ...call, question: null, stage: 'settled' as const } : other,
    );
    enqueue.assign({ turn: { ...turn, calls } });
    const closed = closedQuestion(turn.requestId, call, result.status === 'timed_out' ? 'expired' : 'cancelled');
    const rows = [
      ...closed,
      resultRow(turn.requestId, { callId, name: call.tool.name }, withEdit(result, call.edited)),
    ];
    enqueue.emit({ type: 'append', tag: { of: 'result', callId }, rows, ...waitingUpdate(turn.requestId, calls) });
  }),
  /** Repeats an idempotent call whose connection was lost, once. Like every dispatch, the repeat is a row first. */
  repeatCall: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'call.settled' || !context.turn) return;
    const { turn } = context;
    const { callId } = event;
    enqueue.stopChild(`call:${callId}`);
    const call = turn.calls.find((candidate) => candidate.callId === callId);
    if (!call) return;
    const repeated: OpenCall = { ...call, attempt: 2, question: null, stage: 'repeating' };
    enqueue.assign({ turn: { ...turn, calls: turn.calls.map((other) => (other === call ? repeated : other)) } });
    const rows = [...closedQuestion(turn.requestId, call, 'cancelled'), dispatchRow(turn.requestId, repeated)];
    enqueue.emit({ type: 'append', tag: { of: 'repeat', callId }, rows });
  }),
  readyRepeat: setup.assign(({ context, event }) => {
    if (event.type !== 'log.committed' || event.tag.of !== 'repeat') return {};
    const { callId } = event.tag;
    return updateTurn(context, (turn) => ({
      calls: turn.calls.map((call) => (call.callId === callId ? { ...call, stage: 'ready' as const } : call)),
    }));
  }),
  markRecorded: setup.assign(({ context, event }) => {
    if (event.type !== 'log.committed' || event.tag.of !== 'result') return {};
    const { callId } = event.tag;
    return updateTurn(context, (turn) => ({
      calls: turn.calls.map((call) => (call.callId === callId ? { ...call, stage: 'recorded' as const } : call)),
    }));
  }),
};
