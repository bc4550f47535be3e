/**
 * Builds the row of a question that an MCP server asks during a tool call. Pure. Since MCP 2026-07-28 a server suspends
 * the call until it is made again with the answer, so the question survives a restart. Older servers keep the call open
 * and wait.
 */
import type { CallNeedsInput } from '../events.ts';
import type { NewRow } from '../../log.ts';
import type { ServerQuestion } from '../question-types.ts';
import type { OpenCall } from '../turn-state.ts';
import { callFacts, metaRow } from './turn-rows.ts';

/** The kind of the row by request. People see a sampling request like a call to approve. */
const KINDS = {
  form: 'elicitation_request',
  url: 'elicitation_request',
  sampling: 'sampling_request',
  roots: 'elicitation_request',
} as const;

/** The first question of the server. Null if it asks nothing. */
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

/** The id of the interrupt. It is the same after every fold of the log. */
export function interruptIdOf({ callId, attempt }: OpenCall, number: number): string {
  return `question_${callId}_${attempt}_${number}`;
}

/** The row of the question. Its id is the interrupt's id, by which the store finds it. It holds all that the call needs to go on. */
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
