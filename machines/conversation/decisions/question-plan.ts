/**
 * Decides how a tool call goes on once its server's question is answered: by a person, by expiry, or by the end of the
 * call. Returns the rows to commit before anything acts on the answer. Pure.
 */
import { responseRow, type Decision } from '../rows/approval-rows.ts';
import type { RespondEvent } from '../client-events.ts';
import type { NewRow } from '../../log.ts';
import type { Resumption, ServerAnswer, ServerQuestion } from '../question-types.ts';
import { interruptIdOf, questionRow } from '../rows/question-row.ts';
import { dispatchRow, instantResult, resultRow } from '../rows/turn-rows.ts';
import type { OpenCall } from '../turn-state.ts';

const SAMPLING_DENIED =
  'A person did not allow the server of this tool to ask the model; the call was not finished. It may have taken effect in part.';

/** The answer to the server that follows from a person's decision. */
export function serverAnswer({ decision, content }: Pick<RespondEvent, 'decision' | 'content'>): ServerAnswer {
  switch (decision) {
    case 'approve':
    case 'answer':
      return { action: 'accept', content };
    case 'deny':
    case 'decline':
      return { action: 'decline', content: null };
    case 'cancel':
      return NO_ANSWER;
  }
}

/** The answer to the server when a question expires. */
export const NO_ANSWER: ServerAnswer = { action: 'cancel', content: null };

/** The call while the answer to its question is being committed. */
export function withAnswer(call: OpenCall, question: ServerQuestion, answer: ServerAnswer): OpenCall {
  const answered = { ...question, answer };
  if (question.resume === null) return { ...call, question: answered };
  return { ...call, question: answered, stage: isSamplingDenied(answered) ? 'settled' : 'answered' };
}

/** The rows of the answer and of its consequence: a new dispatch, the next question, or the result. No consequence for a call that its server keeps open. */
export function answerRows(requestId: string, call: OpenCall, decision: Decision, reason: string | null): NewRow[] {
  const { question, callId, tool } = call;
  if (!question) return [];
  const after = afterAnswer(call);
  const response = responseRow(requestId, callId, question.interruptId, decision, {
    reason,
    content: question.answer?.content ?? null,
  });
  if (question.resume === null) return [response];
  if (isSamplingDenied(question))
    return [response, resultRow(requestId, { callId, name: tool.name }, instantResult('denied', SAMPLING_DENIED))];
  return [response, after.question ? questionRow(requestId, after, after.question) : dispatchRow(requestId, after)];
}

/** The call after the commit of the answer to its question. */
export function afterAnswer(call: OpenCall): OpenCall {
  const { question } = call;
  if (!question?.answer) return call;
  const {
    key,
    ask,
    answer,
    rest: [next, ...rest],
    resume,
    untilMs,
  } = question;
  if (resume === null) return { ...call, question: null };
  if (isSamplingDenied(question)) return { ...call, question: null, stage: 'recorded' };
  const answered: Resumption = { ...resume, answered: [...resume.answered, { key, ask, answer }] };
  if (!next) return { ...call, question: null, resume: answered, stage: 'ready' };
  const following = { ...answered, questions: answered.questions + 1 };
  return {
    ...call,
    question: {
      ...next,
      interruptId: interruptIdOf(call, following.questions),
      untilMs,
      rest,
      resume: following,
      answer: null,
    },
    stage: 'asking',
  };
}

/** MCP 2026-07-28 has no result for a denied sampling request, so the call ends with the denial. */
function isSamplingDenied({ ask, resume, answer }: ServerQuestion): boolean {
  return ask.kind === 'sampling' && resume !== null && answer !== null && answer.action !== 'accept';
}

/** Closes the question of a call that ended without an answer. Empty if no question is open. */
export function closedQuestion(
  requestId: string,
  { callId, question }: Pick<OpenCall, 'callId' | 'question'>,
  decision: 'expired' | 'cancelled',
): NewRow[] {
  return question && question.answer === null ? [responseRow(requestId, callId, question.interruptId, decision)] : [];
}
