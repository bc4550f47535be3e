/**
 * The rows that a turn writes, in one place: from a running turn to what the log says about it.
 * Pure functions. Every call the model asked for gets exactly one result here or in `resultRow`,
 * so a transcript is valid by construction.
 */
import type { Answer, AskedCall, CallResult, ChatEvent, StopReason, TurnEnd } from './conversation-events.ts';
import type { HopTool, OpenCall, RunningTurn } from './turn-terms.ts';
import type { FinishReason, NewRow, ToolStatus, Usage } from './log.ts';

const NO_USAGE: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
/** A call that never ran, or was told to end. */
export const CANCELLED = 'The call was cancelled by the user. It may have taken effect already.';

const blank = {
  content: null,
  tool_calls: null,
  tool_call_id: null,
  model: null,
  usage: null,
  extra: {},
  token_count: null,
} as const;

/**
 * The row that begins a turn. What the client sent as metadata goes into `extra`; without any, the key is
 * left out. The token count stays null until the row is on its way to the log.
 */
export function userMessageRow(chat: ChatEvent): NewRow {
  const extra = chat.metadata === null ? {} : { metadata: chat.metadata };
  return { ...blank, type: 'user_message', role: 'user', content: chat.text, request_id: chat.requestId, extra };
}

/** The Stop, a fact of its own: it holds after a crash between it and the turn's end. */
export function cancelRow(requestId: string, reason: StopReason): NewRow {
  return metaRow(requestId, { kind: 'cancel', reason });
}

/** An assistant message; tool calls whose arguments were no JSON object go back to the model as `{}`. */
export function answerRow(turn: { requestId: string; hops: number }, answer: Answer): NewRow {
  const partial = answer.finishReason === 'cancelled' || answer.finishReason === 'failed';
  const calls = partial ? [] : answer.calls;
  return {
    ...blank,
    id: answer.messageId,
    type: 'assistant_message',
    role: 'assistant',
    content: answer.text,
    tool_calls: calls.length === 0 ? null : calls.map((call) => ({
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
      ...(partial ? { partial: true } : {}),
      ...(answer.reasoning === '' ? {} : { reasoning: answer.reasoning }),
    },
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
export function dispatchRow(turn: { requestId: string; hops: number }, call: OpenCall): NewRow {
  return {
    ...blank,
    type: 'tool_call',
    role: 'assistant',
    content: JSON.stringify(call.arguments),
    tool_call_id: call.callId,
    request_id: turn.requestId,
    extra: {
      call_id: call.callId,
      name: call.tool.name,
      server: call.tool.server,
      tool_name: call.tool.toolName,
      harmless: call.tool.harmless,
      attempt: call.attempt,
      // A repeat belongs to the hop of the first attempt, which has been counted by then.
      hop: turn.hops - (call.attempt - 1),
    },
  };
}

/**
 * A result that no server gave, of 0 ms: the call was refused, stopped, or cut off by a crash. `text` is for
 * the model, which must be able to act on it.
 */
export function instantResult(status: ToolStatus, text: string): CallResult {
  return { status, text, content: null, durationMs: 0 };
}

/** What becomes of an asked call: `run` it, or an immediate result the model can act on. */
function decide(call: AskedCall, tools: ReadonlyMap<string, HopTool>): { tool: HopTool; arguments: Record<string, unknown> } | { result: CallResult } {
  const tool = tools.get(call.name);
  if (!tool) {
    const known = [...tools.keys()].join(', ');
    return { result: instantResult('error', `There is no tool "${call.name}". ${known === '' ? 'No tools are available.' : `Available: ${known}.`}`) };
  }
  if (call.arguments === null) {
    return { result: instantResult('error', `The arguments are not a JSON object. You wrote: ${call.text}`) };
  }
  return { tool, arguments: call.arguments };
}

/** A hop's decisions: the rows to commit before anything runs, and the calls that will then run. */
export function hopPlan(turn: RunningTurn): { rows: NewRow[]; calls: OpenCall[] } {
  const { answer, context } = turn;
  if (!answer || !context) return { rows: [], calls: [] };
  const rows = [answerRow(turn, answer)];
  const calls: OpenCall[] = [];
  for (const asked of answer.calls) {
    const decision = decide(asked, context.tools);
    if ('result' in decision) {
      rows.push(resultRow(turn.requestId, asked, decision.result));
      continue;
    }
    const call: OpenCall = { callId: asked.callId, attempt: 1, stage: 'waiting', ...decision };
    calls.push(call);
    rows.push(dispatchRow(turn, call));
  }
  return { rows, calls };
}

/** The rows that end a turn, whatever state it is in; the last one is its `turn_end`. */
export function endRows(turn: RunningTurn, maxToolHops: number): { rows: NewRow[]; end: TurnEnd } {
  const rows: NewRow[] = [];
  for (const call of turn.calls) {
    if (call.stage === 'waiting' || call.stage === 'running' || call.stage === 'repeating') rows.push(resultRow(turn.requestId, { callId: call.callId, name: call.tool.name }, instantResult('cancelled', CANCELLED)));
  }
  // Calls that a Stop overtook are never made, so what was said before them is all there is.
  const answer = turn.answer && turn.stop && turn.answer.calls.length > 0 ? { ...turn.answer, finishReason: 'cancelled' as const } : turn.answer;
  const isPartial = answer?.finishReason === 'cancelled' || answer?.finishReason === 'failed';
  const overLimit = answer !== null && !isPartial && answer.calls.length > 0;
  if (answer && (!isPartial || answer.text !== '')) rows.push(answerRow(turn, answer));
  if (answer && overLimit) rows.push(...limitRows(turn, answer, maxToolHops));
  const end = turnEnd(turn, overLimit);
  rows.push(turnEndRow(turn.requestId, end));
  return { rows, end };
}

function limitRows(turn: RunningTurn, answer: Answer, maxToolHops: number): NewRow[] {
  const notice = `[Stopped: the limit of ${maxToolHops} tool hop${maxToolHops === 1 ? '' : 's'} for one turn was reached.]`;
  return [
    ...answer.calls.map((call) => resultRow(turn.requestId, call, instantResult('limit', 'Not run: the limit of tool hops for this turn was reached.'))),
    {
      ...blank,
      type: 'assistant_message',
      role: 'assistant',
      content: notice,
      request_id: turn.requestId,
      extra: { hop: turn.hops, finish_reason: 'tool_limit_reached' },
    },
  ];
}

function turnEnd(turn: RunningTurn, overLimit: boolean): TurnEnd {
  if (turn.fault && !turn.stop) return { status: 'error', error: turn.fault };
  const usage = addUsage(turn.usage, turn.answer?.usage ?? null);
  return complete(turn, usage, turn.stop?.reason ?? (overLimit ? 'tool_limit_reached' : finishReason(turn.answer)));
}

/**
 * The end of a turn that no fault ended, stopped ones included. Null usage counts as zero tokens, a null
 * `model` means that none answered.
 */
export function complete(turn: { model: string | null; hops: number }, usage: Usage | null, reason: FinishReason): TurnEnd {
  const sum = usage ?? NO_USAGE;
  return { status: 'complete', metadata: { tokens: sum.total_tokens, usage: sum, model: turn.model, finish_reason: reason, tool_hops: turn.hops } };
}

function finishReason(answer: Answer | null): FinishReason {
  return answer?.finishReason === 'length' || answer?.finishReason === 'content_filter' ? answer.finishReason : 'stop';
}

/** A turn's last row, kind `turn_end`. Until it is committed the turn is open, and a restart takes it up again. */
export function turnEndRow(requestId: string, end: TurnEnd): NewRow {
  return metaRow(requestId, { kind: 'turn_end', ...end });
}

/**
 * A fact for recovery and for readers of the log, told apart by `extra.kind`. Without role or text: the
 * model never sees it.
 */
export function metaRow(requestId: string, extra: Record<string, unknown>): NewRow {
  return { ...blank, type: 'meta', role: null, request_id: requestId, extra };
}

/** The end of a turn that was stopped before it did anything. */
export function stoppedEnd(reason: StopReason): TurnEnd {
  return complete({ model: null, hops: 0 }, null, reason);
}

/** Sums usage over hops; a sum is an estimate as soon as one part is. */
export function addUsage(a: Usage | null, b: Usage | null): Usage | null {
  if (!a || !b) return a ?? b;
  const sum: Usage = {
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
    total_tokens: a.total_tokens + b.total_tokens,
  };
  if (a.cached_tokens !== undefined || b.cached_tokens !== undefined) sum.cached_tokens = (a.cached_tokens ?? 0) + (b.cached_tokens ?? 0);
  if (a.reasoning_tokens !== undefined || b.reasoning_tokens !== undefined) sum.reasoning_tokens = (a.reasoning_tokens ?? 0) + (b.reasoning_tokens ?? 0);
  if (a.estimated || b.estimated) sum.estimated = true;
  return sum;
}
