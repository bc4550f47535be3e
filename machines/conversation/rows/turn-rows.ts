/**
 * Builds the rows that a turn writes. Pure. Every call that the model asked for gets exactly one result, so a transcript
 * is valid by construction.
 */
import type { ChatEvent } from '../client-events.ts';
import type { ModelAnswer, CallResult } from '../hop-answers.ts';
import type { OpenCall, StopReason } from '../turn-state.ts';
import type { NewRow, ToolStatus } from '../../log.ts';

/** The result text of a call that was cancelled before or while it ran. */
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
 * The row that begins a turn. `model` is the one that the client named. The client's metadata and choice of tools go into
 * `extra`, if any.
 * `goes_first` keeps the place of an interrupting message after a restart. The journal fills in the token count.
 */
export function userMessageRow(chat: ChatEvent): NewRow {
  const extra = {
    ...(chat.metadata === null ? {} : { metadata: chat.metadata }),
    ...(chat.tools === null ? {} : { tools: chat.tools }),
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

/** Records that a message replaces an earlier one. The replaced turns stay in the log and leave the context. */
export function rewindRow(requestId: string, toSeq: number): NewRow {
  return metaRow(requestId, { kind: 'rewind', to_seq: toSeq });
}

/** Records a cancel. It still holds after a crash between it and the turn's end. */
export function cancelRow(requestId: string, reason: StopReason): NewRow {
  return metaRow(requestId, { kind: 'cancel', reason });
}

/** An assistant message. Tool calls with arguments that are not a JSON object go back to the model as `{}`. */
export function answerRow(turn: { requestId: string; hops: number }, answer: Omit<ModelAnswer, 'endedAtMs'>): NewRow {
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

function timingFacts(timing: ModelAnswer['timing']): Record<string, unknown> {
  if (timing === null) return {};
  return {
    duration_ms: timing.durationMs,
    ...(timing.firstTokenMs === null ? {} : { first_token_ms: timing.firstTokenMs }),
  };
}

/** The result of a call. `whole` keeps the server's full result if the model's text is only a part of it. */
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

/** The facts in every row about a call, so that it can be repeated without the list of tools of its time. */
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
 * A result of 0 ms that Parley itself gives: the call was rejected, cancelled, or cut off by a crash. `text` is for the
 * model, which must be able to act on it.
 */
export function instantResult(status: ToolStatus, text: string): CallResult {
  return { status, text, content: null, durationMs: 0 };
}

/**
 * A fact for recovery and for readers of the log; `extra.kind` says which. It has no role and no text, so the model
 * never sees it.
 */
export function metaRow(requestId: string, extra: Record<string, unknown>): NewRow {
  return { ...blank, type: 'meta', role: null, request_id: requestId, extra };
}
