/**
 * What becomes of a tool call when what its server has asked is answered: by a person, by time, or by the call's own
 * end. The rows to commit before anything acts on it. Pure.
 */
import { responseRow, type Decision } from '../rows/approval.ts';
import type { RespondEvent } from '../client-events.ts';
import type { NewRow } from '../../log.ts';
import type { Resumption, ServerAnswer, ServerQuestion } from '../question-types.ts';
import { interruptIdOf, questionRow } from '../rows/server-question.ts';
import { dispatchRow, instantResult, resultRow } from '../rows/turn-rows.ts';
import type { OpenCall } from '../turn-state.ts';

const SAMPLING_DENIED =
  'A person did not allow the server of this tool to ask the model; the call was not finished. It may have taken effect in part.';

/** What a person's decision tells the server. */
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

/** What time tells it. */
export const NO_ANSWER: ServerAnswer = { action: 'cancel', content: null };

/** A call whose question has its answer, until that is in the log. */
export function withAnswer(call: OpenCall, question: ServerQuestion, answer: ServerAnswer): OpenCall {
  const answered = { ...question, answer };
  if (question.resume === null) return { ...call, question: answered };
  return { ...call, question: answered, stage: isSamplingDenied(answered) ? 'settled' : 'answered' };
}

/** The answer, and what follows from it: the call once more, the next question, or its end; nothing for a call that is open. */
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

/** Where the call stands once the answer to its question is in the log. */
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

/** No result tells a server of 2026-07-28 that people will not have the model asked, so the call ends with that. */
function isSamplingDenied({ ask, resume, answer }: ServerQuestion): boolean {
  return ask.kind === 'sampling' && resume !== null && answer !== null && answer.action !== 'accept';
}

/** Closes the question of a call that has ended, or is given up, without its answer; nothing where none is open. */
export function closedQuestion(
  requestId: string,
  { callId, question }: Pick<OpenCall, 'callId' | 'question'>,
  decision: 'expired' | 'cancelled',
): NewRow[] {
  return question && question.answer === null ? [responseRow(requestId, callId, question.interruptId, decision)] : [];
}
