/**
 * The rows that a turn writes, in one place: from a running turn to what the log says about it.
 * Pure functions. Every call the model asked for gets exactly one result here or in `resultRow`,
 * so a transcript is valid by construction.
 */
import type { ChatEvent } from '../client-events.ts';
import type { Answer, CallResult } from '../hop-answers.ts';
import type { OpenCall, StopReason } from '../turn-state.ts';
import type { NewRow, ToolStatus } from '../../log.ts';

/** A call that never ran, or was told to end. */
export const CANCELLED = 'The call was cancelled by the user. It may have taken effect already.';

/** The columns that most rows leave empty. */
export const blank = {
  content: null,
  tool_calls: null,
  tool_call_id: null,
  model: null,
  usage: null,
  extra: {},
  token_count: null,
} as const;

/**
 * The row that begins a turn. Its `model` is the one that the client wishes for. What it sent as metadata goes
 * into `extra`; without any, the key is left out; so is `goes_first`, which keeps the place of an interrupting message after a restart. The token
 * count stays null until the row is on its way to the log.
 */
export function userMessageRow(chat: ChatEvent): NewRow {
  const extra = {
    ...(chat.metadata === null ? {} : { metadata: chat.metadata }),
    ...(chat.included.length === 0 ? {} : { included: chat.included }),
    ...(chat.mode === 'interrupt' ? { goes_first: true } : {}),
  };
  return {
    ...blank,
    type: 'user_message',
    role: 'user',
    content: chat.text,
    model: chat.model,
    request_id: chat.requestId,
    extra,
  };
}

/** Where a message goes back to, a fact beside it: what began there or later stays in the log and leaves the context. */
export function rewindRow(requestId: string, toSeq: number): NewRow {
  return metaRow(requestId, { kind: 'rewind', to_seq: toSeq });
}

/** The Stop, a fact of its own: it holds after a crash between it and the turn's end. */
export function cancelRow(requestId: string, reason: StopReason): NewRow {
  return metaRow(requestId, { kind: 'cancel', reason });
}

/** An assistant message; tool calls whose arguments were no JSON object go back to the model as `{}`. */
export function answerRow(turn: { requestId: string; hops: number }, answer: Omit<Answer, 'endedAtMs'>): NewRow {
  const partial = answer.finishReason === 'cancelled' || answer.finishReason === 'failed';
  const calls = partial ? [] : answer.calls;
  return {
    ...blank,
    id: answer.messageId,
    type: 'assistant_message',
    role: 'assistant',
    content: answer.text,
    tool_calls:
      calls.length === 0
        ? null
        : calls.map((call) => ({
            id: call.callId,
            type: 'function',
            function: { name: call.name, arguments: call.arguments === null ? '{}' : JSON.stringify(call.arguments) },
          })),
    model: answer.model,
    usage: answer.usage,
    request_id: turn.requestId,
    extra: {
      hop: turn.hops,
      finish_reason: answer.finishReason,
      ...timingFacts(answer.timing),
      ...(partial ? { partial: true } : {}),
      ...(answer.reasoning === '' ? {} : { reasoning: answer.reasoning }),
      ...(calls.length === 0 || answer.signatures === null ? {} : { signatures: answer.signatures }),
    },
  };
}

function timingFacts(timing: Answer['timing']): Record<string, unknown> {
  if (timing === null) return {};
  return {
    duration_ms: timing.durationMs,
    ...(timing.firstTokenMs === null ? {} : { first_token_ms: timing.firstTokenMs }),
  };
}

/** A call's end. `whole` keeps what the server gave where the text for the model is only a part of it. */
export function resultRow(requestId: string, call: { callId: string; name: string }, result: CallResult): NewRow {
  return {
    ...blank,
    type: 'tool_result',
    role: 'tool',
    content: result.text,
    tool_call_id: call.callId,
    request_id: requestId,
    extra: {
      status: result.status,
      name: call.name,
      duration_ms: result.durationMs,
      ...(result.content === null ? {} : { whole: result.content }),
    },
  };
}

/** The dispatch of a call: committed before the call is made. */
export function dispatchRow(requestId: string, call: OpenCall): NewRow {
  return {
    ...blank,
    type: 'tool_call',
    role: 'assistant',
    content: JSON.stringify(call.edited ?? call.arguments),
    tool_call_id: call.callId,
    request_id: requestId,
    extra: {
      ...callFacts(call),
      attempt: call.attempt,
      ...(call.edited === null ? {} : { edited: true }),
      ...(call.resume === null ? {} : { resume: call.resume }),
    },
  };
}

/** What the rows about a call say of it, so that it can be made without the catalogue of its time. */
export function callFacts({ callId, tool, hop }: OpenCall): Record<string, unknown> {
  return {
    call_id: callId,
    name: tool.name,
    server: tool.server,
    tool_name: tool.toolName,
    idempotent: tool.idempotent,
    definition: tool.definition,
    hop,
  };
}

/**
 * A result that no server gave, of 0 ms: the call was refused, stopped, or cut off by a crash. `text` is for
 * the model, which must be able to act on it.
 */
export function instantResult(status: ToolStatus, text: string): CallResult {
  return { status, text, content: null, durationMs: 0 };
}

/**
 * A fact for recovery and for readers of the log, told apart by `extra.kind`. Without role or text: the
 * model never sees it.
 */
export function metaRow(requestId: string, extra: Record<string, unknown>): NewRow {
  return { ...blank, type: 'meta', role: null, request_id: requestId, extra };
}
