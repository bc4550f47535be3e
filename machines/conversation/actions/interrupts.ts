/**
 * Implements the actions about interrupts: servers' questions, people's responses and expiries. A question is a row
 * before a person can see it. A response is committed together with its consequence, the dispatch or the result.
 */
import { conversationSetup as setup } from '../setup.ts';
import { waitingUpdate } from '../state-updates.ts';
import { questionOf, questionRow } from '../rows/question-row.ts';
import { afterAnswer } from '../decisions/question-plan.ts';
import { expiryPlan, responsePlan } from '../decisions/response-plan.ts';
import { deniedTasks } from '../decisions/abandoned-tasks.ts';
import type { OpenCall } from '../turn-state.ts';

/** Leaves a call unchanged if its server has ended it in the meantime. */
function afterResponse(call: OpenCall): OpenCall {
  if (call.question) return afterAnswer(call);
  return call.approval === null
    ? call
    : { ...call, approval: null, stage: call.stage === 'answered' ? 'ready' : 'recorded' };
}

function askedAgain(call: OpenCall): OpenCall {
  const { question, approval } = call;
  if (question)
    return {
      ...call,
      question: { ...question, answer: null },
      stage: question.resume === null ? call.stage : 'asking',
    };
  return approval === null ? call : { ...call, edited: null, stage: 'asking' };
}

/** Named as the charts name them. Each does nothing for an event that it does not know. */
export const interruptActions = {
  appendResponse: setup.enqueueActions(({ context, event, enqueue }) => {
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
      ...waitingUpdate(turn.requestId, calls, afterAnswer),
    });
  }),
  appendExpiry: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'conversation.expire' || !context.turn) return;
    const { turn } = context;
    const { rows, answered } = expiryPlan(turn, event.nowMs);
    const calls = turn.calls.map((call) => answered.find(({ callId }) => callId === call.callId) ?? call);
    enqueue.assign({ turn: { ...turn, calls } });
    enqueue.emit({
      type: 'append',
      tag: { of: 'response', callIds: answered.map(({ callId }) => callId), by: null, remember: null },
      rows,
      ...waitingUpdate(turn.requestId, calls, afterAnswer),
    });
  }),
  /** Approved and answered calls become ready, the others have their result. A server that keeps its call open gets the answer. */
  confirmResponse: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'log.committed' || event.tag.of !== 'response') return;
    const { by, callIds, remember } = event.tag;
    if (by) enqueue.emit({ type: 'reply', to: by.by, result: { accepted: true } });
    enqueue.assign({ arriving: context.arriving.filter((other) => other !== by) });
    if (remember) enqueue.assign({ remembered: [...context.remembered, remember] });
    if (!context.turn) return;
    const answered = context.turn.calls.filter(({ callId }) => callIds.includes(callId));
    for (const task of deniedTasks(answered)) enqueue.emit(task);
    for (const { callId, question } of answered) {
      if (question?.answer && question.resume === null)
        enqueue.sendTo(`call:${callId}`, { type: 'call.answered', answer: question.answer });
    }
    const calls = context.turn.calls.map((call) => (answered.includes(call) ? afterResponse(call) : call));
    enqueue.assign({ turn: { ...context.turn, calls } });
  }),
  /** The response could not be stored, so the interrupt stays open. */
  reopenInterrupt: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'log.failed' || event.tag.of !== 'response') return;
    const { by, callIds } = event.tag;
    if (by) enqueue.emit({ type: 'refuse', to: by.by, fault: event.fault });
    enqueue.assign({ arriving: context.arriving.filter((other) => other !== by) });
    if (!context.turn) return;
    const calls = context.turn.calls.map((call) => (callIds.includes(call.callId) ? askedAgain(call) : call));
    enqueue.assign({ turn: { ...context.turn, calls } });
  }),
  replyLate: setup.enqueueActions(({ event, enqueue }) => {
    if (event.type === 'client.respond')
      enqueue.emit({ type: 'respond.late', to: event.by, interruptId: event.interruptId });
  }),
  appendServerRequest: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'call.needsInput' || !context.turn) return;
    const { turn, limits } = context;
    const { callId, resume } = event;
    const call = turn.calls.find((candidate) => candidate.callId === callId);
    const question = call ? questionOf(call, event, limits.approvalTimeoutMs) : null;
    if (!call || !question) return;
    // A suspended call needs no actor. A call that its server keeps open goes on running.
    if (resume) enqueue.stopChild(`call:${callId}`);
    const asked: OpenCall = { ...call, question, stage: resume ? 'suspended' : call.stage };
    const calls = turn.calls.map((other) => (other === call ? asked : other));
    enqueue.assign({ turn: { ...turn, calls } });
    enqueue.emit({
      type: 'append',
      tag: { of: 'question', callId },
      rows: [questionRow(turn.requestId, asked, question)],
      ...waitingUpdate(turn.requestId, calls),
    });
  }),
  confirmQuestion: setup.assign(({ context, event }) => {
    if (event.type !== 'log.committed' || event.tag.of !== 'question' || !context.turn) return {};
    const { callId } = event.tag;
    const { turn } = context;
    return {
      turn: {
        ...turn,
        calls: turn.calls.map((call): OpenCall =>
          call.callId === callId && call.stage === 'suspended' ? { ...call, stage: 'asking' } : call,
        ),
      },
    };
  }),
  /** The turn is being cancelled, so the question is dropped. A suspended call is over. A call that runs is cancelled. */
  dropQuestion: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'call.needsInput' || !context.turn || !event.resume) return;
    const { turn } = context;
    const { callId } = event;
    enqueue.stopChild(`call:${callId}`);
    enqueue.assign({
      turn: {
        ...turn,
        calls: turn.calls.map((call): OpenCall => (call.callId === callId ? { ...call, stage: 'ready' } : call)),
      },
    });
  }),
};
