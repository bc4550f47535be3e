/**
 * Asking a person about a tool call: the rows of question and answer, and what the model is told when the
 * call is not made. Pure. Every question has exactly one answer in the log, be it that time ran out or
 * that the turn was stopped.
 */
import { approvalDecisions, questionDecisions, type FormContent } from '../client-events.ts';
import type { CallResult } from '../hop-answers.ts';
import type { Approval, OpenCall } from '../turn-state.ts';
import type { NewRow } from '../../log.ts';
import { callFacts, instantResult, metaRow } from './turn-rows.ts';

/** How a question ends: by a person, by its time, or with its turn. */
export const decisions = [...approvalDecisions, ...questionDecisions, 'expired', 'cancelled'] as const;
export type Decision = (typeof decisions)[number];

/** Ways in which a call is not made. */
type Refusal = 'deny' | 'expired' | 'cancelled';

const NOT_RUN: Record<Refusal, string> = {
  deny: 'A person declined this call; it was not run.',
  expired: 'Nobody approved this call in time; it was not run.',
  cancelled: 'The turn ended before anyone approved this call; it was not run.',
};

/** Of changed arguments, in UTF-16 units: the model's window is not theirs alone. The log has the whole. */
const MAX_SHOWN_EDIT = 2_000;

/** A question's id is its call's, marked: it is the same after every fold of the log. */
export function approvalOf(callId: string, untilMs: number): Approval {
  return { interruptId: `approval_${callId}`, untilMs };
}

/** The question. Its row's id is the interrupt's, by which the log finds it; `expires_at` is ISO 8601, UTC. */
export function requestRow(requestId: string, call: OpenCall, { interruptId, untilMs }: Approval): NewRow {
  return {
    ...metaRow(requestId, {
      kind: 'approval_request',
      interrupt_id: interruptId,
      ...callFacts(call),
      arguments: call.arguments,
      expires_at: new Date(untilMs).toISOString(),
    }),
    id: interruptId,
    tool_call_id: call.callId,
  };
}

/** What a person may add to a decision. */
interface Remarks {
  reason: string | null;
  /** The arguments as changed. */
  edited: Record<string, unknown> | null;
  /** The form that it fills in. */
  content: FormContent | null;
}

/** The answer. Its row's id follows from the question's, so that no log can hold two. */
export function responseRow(
  requestId: string,
  callId: string,
  interruptId: string,
  decision: Decision,
  { reason = null, edited = null, content = null }: Partial<Remarks> = {},
): NewRow {
  return {
    ...metaRow(requestId, {
      kind: 'response',
      interrupt_id: interruptId,
      call_id: callId,
      decision,
      ...(reason === null ? {} : { reason }),
      ...(edited === null ? {} : { arguments: edited }),
      ...(content === null ? {} : { content }),
    }),
    id: `${interruptId}:response`,
    tool_call_id: callId,
  };
}

/** The result of a call that was not approved; `reason` is the person's, for the model. */
export function unapprovedResult(decision: Refusal, reason: string | null = null): CallResult {
  const text = reason === null ? NOT_RUN[decision] : `${NOT_RUN[decision]} The reason given: ${reason}`;
  return instantResult(decision === 'cancelled' ? 'cancelled' : 'denied', text);
}

/** A call's end as the model hears of it, which has to know when other arguments than its own were used. */
export function withEdit(result: CallResult, edited: Record<string, unknown> | null): CallResult {
  if (edited === null) return result;
  const text = JSON.stringify(edited);
  const shown = text.length > MAX_SHOWN_EDIT ? `${text.slice(0, MAX_SHOWN_EDIT).toWellFormed()}...` : text;
  return { ...result, text: `[A person changed the arguments of this call to ${shown}]\n${result.text}` };
}

/** What a person is asked about a call, by us or by its server; null where nobody is. */
export function askedAbout({ approval, question }: Pick<OpenCall, 'approval' | 'question'>): Approval | null {
  return question ?? approval;
}

/** A person is asked that, and nobody has answered. A call whose older server asks goes on running meanwhile. */
export function isAsking({ stage, question }: Pick<OpenCall, 'stage' | 'question'>): boolean {
  return stage === 'asking' || (stage === 'running' && question?.answer === null);
}

/** Until when a turn with these calls does nothing but wait for people; null while it has other work. */
export function waitsUntilMs(calls: readonly OpenCall[]): number | null {
  const asking = calls.filter(({ stage }) => stage === 'asking' || stage === 'suspending');
  const isWorking = calls.some(
    (call) => !asking.includes(call) && call.stage !== 'settled' && call.stage !== 'recorded',
  );
  return asking.length === 0 || isWorking ? null : Math.min(...asking.map((call) => askedAbout(call)?.untilMs ?? 0));
}
