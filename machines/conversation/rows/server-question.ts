/**
 * What an MCP server asks of people in the middle of a tool call, and the row that says so. Pure. Since 2026-07-28 a
 * server lays the call down until it is made again with the answer, so the question outlives us; before, it holds
 * the call open and waits.
 */
import type { CallNeedsInput } from '../events.ts';
import type { NewRow } from '../../log.ts';
import type { ServerQuestion } from '../question-types.ts';
import type { OpenCall } from '../turn-state.ts';
import { callFacts, metaRow } from './turn-rows.ts';

/** The row's kind: what a model is asked for is shown to people like a call that they approve. */
const KINDS = {
  form: 'elicitation_request',
  url: 'elicitation_request',
  sampling: 'sampling_request',
  roots: 'elicitation_request',
} as const;

/** The first of what a server asks; null when it asks nothing. */
export function questionOf(
  call: OpenCall,
  { requests: [first, ...rest], resume, number, askedAtMs }: CallNeedsInput,
  answerTimeoutMs: number,
): ServerQuestion | null {
  if (!first) return null;
  return {
    ...first,
    interruptId: interruptIdOf(call, number),
    untilMs: askedAtMs + answerTimeoutMs,
    rest,
    resume,
    answer: null,
  };
}

/** The same after every fold of the log. */
export function interruptIdOf({ callId, attempt }: OpenCall, number: number): string {
  return `question_${callId}_${attempt}_${number}`;
}

/** The question. Its row's id is the interrupt's, by which the log finds it; all that the call needs to go on is in it. */
export function questionRow(requestId: string, call: OpenCall, question: ServerQuestion): NewRow {
  const { interruptId, untilMs, key, ask, rest, resume } = question;
  return {
    ...metaRow(requestId, {
      kind: KINDS[ask.kind],
      interrupt_id: interruptId,
      ...callFacts(call),
      expires_at: new Date(untilMs).toISOString(),
      key,
      ask,
      rest,
      ...(resume === null ? {} : { resume }),
    }),
    id: interruptId,
    tool_call_id: call.callId,
  };
}
