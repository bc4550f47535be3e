/**
 * How a turn ends: what is left open is closed, what was said is kept, and the last row says which end it
 * was. Pure functions, for turns that ran and for those that never did.
 */
import type { Answer, StopReason, TurnEnd } from './conversation-events.ts';
import type { RunningTurn } from './turn-terms.ts';
import type { FinishReason, NewRow, Usage } from './log.ts';
import { responseRow, unapprovedResult, withEdit } from './approval.ts';
import { closedQuestion } from './question-plan.ts';
import { CANCELLED, answerRow, blank, instantResult, metaRow, resultRow } from './turn-rows.ts';

const NO_USAGE: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

/** The rows that end a turn, whatever state it is in; the last one is its `turn_end`. */
export function endRows(turn: RunningTurn, maxToolHops: number): { rows: NewRow[]; end: TurnEnd } {
  const rows = closingRows(turn);
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

/** Calls without a result get one, and what a person was asked is no longer a question. */
function closingRows({ requestId, calls }: RunningTurn): NewRow[] {
  return calls.flatMap(({ callId, tool, edited, stage, approval, question }) => {
    if (stage === 'settled' || stage === 'recorded') return [];
    const call = { callId, name: tool.name };
    return stage === 'asking' && approval
      ? [responseRow(requestId, callId, approval.interruptId, 'cancelled'), resultRow(requestId, call, unapprovedResult('cancelled'))]
      : [...closedQuestion(requestId, { callId, question }, 'cancelled'), resultRow(requestId, call, withEdit(instantResult('cancelled', CANCELLED), edited))];
  });
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
