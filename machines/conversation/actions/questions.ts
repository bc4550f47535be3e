/**
 * What servers ask of people in the middle of a call: the question is a row before anybody can answer it. The
 * answers are in conversation-approval.ts, with those to our own questions.
 */
import { conversationSetup as kit } from '../setup.ts';
import { waitingNews } from '../state-updates.ts';
import { questionOf, questionRow } from '../rows/server-question.ts';
import type { OpenCall } from '../turn-state.ts';

export const questionActions = {
  appendQuestion: kit.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'call.needsInput' || !context.turn) return;
    const { turn, limits } = context;
    const { callId, resume } = event;
    const call = turn.calls.find((candidate) => candidate.callId === callId);
    const question = call ? questionOf(call, event, limits.approvalTimeoutMs) : null;
    if (!call || !question) return;
    // A suspended call has no actor any more; one that waits for the answer goes on running.
    if (resume) enqueue.stopChild(`call:${callId}`);
    const asked: OpenCall = { ...call, question, stage: resume ? 'suspended' : call.stage };
    const calls = turn.calls.map((other) => (other === call ? asked : other));
    enqueue.assign({ turn: { ...turn, calls } });
    enqueue.emit({
      type: 'append',
      tag: { of: 'question', callId },
      rows: [questionRow(turn.requestId, asked, question)],
      ...waitingNews(turn.requestId, calls),
    });
  }),
  confirmQuestion: kit.assign(({ context, event }) => {
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
  /** The turn is being stopped: nobody is asked any more. A suspended call is over, one that waits is told to stop. */
  dropQuestion: kit.enqueueActions(({ context, event, enqueue }) => {
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
