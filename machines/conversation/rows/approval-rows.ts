/**
 * Builds the rows of approvals: the request, the response, and the result of a call that was not approved. Pure. Every
 * request has exactly one response in the log, also if it expires or the turn is cancelled.
 */
import { approvalDecisions, questionDecisions, type FormContent } from '../client-events.ts';
import type { CallResult } from '../hop-answers.ts';
import type { Approval, OpenCall } from '../turn-state.ts';
import type { NewRow } from '../../log.ts';
import { callFacts, instantResult, metaRow } from './turn-rows.ts';

/** How an interrupt ends: by a person, by expiry, or with its turn. */
export const decisions = [...approvalDecisions, ...questionDecisions, 'expired', 'cancelled'] as const;
/** How a question ended, as its response row has it. */
export type Decision = (typeof decisions)[number];

/** Why a call was not run. */
type NotRunReason = 'deny' | 'expired' | 'cancelled';

const NOT_RUN: Record<NotRunReason, string> = {
  deny: 'A person declined this call; it was not run.',
  expired: 'This call was not approved in time; it was not run.',
  cancelled: 'The turn ended before this call was approved; it was not run.',
};

/** Largest part of changed arguments that the model sees, in UTF-16 units. The log has the whole. */
const MAX_SHOWN_EDIT = 2_000;

/** A new request for approval. Its id derives from the call's, so it is the same after every fold of the log. */
export function newApproval(callId: string, untilMs: number): Approval {
  return { interruptId: `approval_${callId}`, untilMs };
}

/** The row of the request. Its id is the interrupt's id, by which the store finds it. `expires_at` is ISO 8601, UTC. */
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

/** Optional parts of a decision. */
interface Remarks {
  reason: string | null;
  /** The changed arguments. */
  edited: Record<string, unknown> | null;
  /** The filled form. */
  content: FormContent | null;
}

/** The row of the response. Its id derives from the interrupt's, so a log cannot hold two. */
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
export function unapprovedResult(decision: NotRunReason, reason: string | null = null): CallResult {
  const text = reason === null ? NOT_RUN[decision] : `${NOT_RUN[decision]} The reason given: ${reason}`;
  return instantResult(decision === 'cancelled' ? 'cancelled' : 'denied', text);
}

/** The result as the model sees it: it says so if a person changed the arguments. */
export function withEdit(result: CallResult, edited: Record<string, unknown> | null): CallResult {
  if (edited === null) return result;
  const text = JSON.stringify(edited);
  const shown = text.length > MAX_SHOWN_EDIT ? `${text.slice(0, MAX_SHOWN_EDIT).toWellFormed()}...` : text;
  return { ...result, text: `[A person changed the arguments of this call to ${shown}]\n${result.text}` };
}

/** The open interrupt of a call: an approval or a server's question. Null if none is open. */
export function openInterrupt({ approval, question }: Pick<OpenCall, 'approval' | 'question'>): Approval | null {
  return question ?? approval;
}

/** True while an interrupt of the call has no response. A call whose server keeps it open is still `running` then. */
export function awaitsPerson({ stage, question }: Pick<OpenCall, 'stage' | 'question'>): boolean {
  return stage === 'asking' || (stage === 'running' && question?.answer === null);
}

/** Deadline in ms since the epoch of a turn that only waits for people. Null while it has other work. */
export function waitsUntilMs(calls: readonly OpenCall[]): number | null {
  const asking = calls.filter(({ stage }) => stage === 'asking' || stage === 'suspended');
  const isWorking = calls.some(
    (call) => !asking.includes(call) && call.stage !== 'settled' && call.stage !== 'recorded',
  );
  return asking.length === 0 || isWorking ? null : Math.min(...asking.map((call) => openInterrupt(call)?.untilMs ?? 0));
}
