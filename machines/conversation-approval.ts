/**
 * People in the loop: their answers, and the end of the time they had for them. An answer is committed together
 * with what follows from it, the dispatch or the result, before anything acts on it.
 */
import { responseRow, unapprovedResult } from './approval.ts';
import { conversationSetup as kit } from './conversation-setup.ts';
import { waitingNews } from './conversation-values.ts';
import { responsePlan } from './response-plan.ts';
import { resultRow } from './turn-rows.ts';
import type { OpenCall } from './turn-terms.ts';

export const approvalActions = {
  appendResponse: kit.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'client.respond' || !context.turn) return;
    const { turn } = context;
    const plan = responsePlan(turn, event);
    if (!plan) return;
    const { rows, answered, remember } = plan;
    const calls = turn.calls.map((call) => answered.find(({ callId }) => callId === call.callId) ?? call);
    enqueue.assign({ turn: { ...turn, calls }, arriving: [...context.arriving, event] });
    enqueue.emit({
      type: 'append',
      tag: { of: 'response', callIds: answered.map(({ callId }) => callId), by: event, remember },
      rows,
      ...(remember ? { remember } : {}),
      ...waitingNews(turn.requestId, calls),
    });
  }),
  appendExpiry: kit.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'conversation.expire' || !context.turn) return;
    const { turn } = context;
    const overdue = turn.calls.filter(({ stage, approval }) => stage === 'asking' && approval !== null && approval.untilMs <= event.nowMs);
    const calls = turn.calls.map((call): OpenCall => (overdue.includes(call) ? { ...call, stage: 'settled' } : call));
    enqueue.assign({ turn: { ...turn, calls } });
    enqueue.emit({
      type: 'append',
      tag: { of: 'response', callIds: overdue.map(({ callId }) => callId), by: null, remember: null },
      rows: overdue.flatMap(({ callId, tool, approval }) => [
        responseRow(turn.requestId, callId, approval?.interruptId ?? '', 'expired'),
        resultRow(turn.requestId, { callId, name: tool.name }, unapprovedResult('expired')),
      ]),
      ...waitingNews(turn.requestId, calls),
    });
  }),
  /** What was approved may be made now, the rest has its result. */
  confirmResponse: kit.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'log.committed' || event.tag.of !== 'response') return;
    const { by, callIds, remember } = event.tag;
    if (by) enqueue.emit({ type: 'reply', to: by.by, result: { accepted: true } });
    enqueue.assign({ arriving: context.arriving.filter((other) => other !== by) });
    if (remember) enqueue.assign({ remembered: [...context.remembered, remember] });
    if (!context.turn) return;
    const calls = context.turn.calls.map((call): OpenCall =>
      callIds.includes(call.callId) ? { ...call, approval: null, stage: call.stage === 'answered' ? 'ready' : 'recorded' } : call);
    enqueue.assign({ turn: { ...context.turn, calls } });
  }),
  /** The answer could not be stored, so the question stands. */
  takeBackResponse: kit.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'log.failed' || event.tag.of !== 'response') return;
    const { by, callIds } = event.tag;
    if (by) enqueue.emit({ type: 'refuse', to: by.by, fault: event.fault });
    enqueue.assign({ arriving: context.arriving.filter((other) => other !== by) });
    if (!context.turn) return;
    const calls = context.turn.calls.map((call): OpenCall => (callIds.includes(call.callId) ? { ...call, edited: null, stage: 'asking' } : call));
    enqueue.assign({ turn: { ...context.turn, calls } });
  }),
  replyLate: kit.enqueueActions(({ event, enqueue }) => {
    if (event.type === 'client.respond') enqueue.emit({ type: 'respond.late', to: event.by, interruptId: event.interruptId });
  }),
};
