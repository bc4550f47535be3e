/**
 * Builds the end of a turn: closes open calls, keeps the text that was written, and writes the `turn_end` row. Pure.
 * Also for turns that never ran.
 */
import type { TurnEnd } from '../events.ts';
import type { ModelAnswer } from '../hop-answers.ts';
import type { RunningTurn, StopReason } from '../turn-state.ts';
import type { Fault, FinishReason, NewRow, TurnTotals } from '../../log.ts';
import { responseRow, unapprovedResult, withEdit } from '../rows/approval-rows.ts';
import { closedQuestion } from './question-plan.ts';
import { CANCELLED, answerRow, blank, instantResult, metaRow, resultRow } from '../rows/turn-rows.ts';
import { sumOf, usedBy } from '../../usage.ts';

type EndedTurn = Pick<RunningTurn, 'model' | 'hops' | 'used'>;

/** The rows that end a turn from any state. The last one is its `turn_end`. */
export function endRows(turn: RunningTurn, maxToolHops: number): { rows: NewRow[]; end: TurnEnd } {
  const rows = closingRows(turn);
  const answer = turn.answer && lastAnswer(turn, turn.answer);
  const isPartial = answer?.finishReason === 'cancelled' || answer?.finishReason === 'failed';
  const overLimit = answer !== null && !isPartial && answer.calls.length > 0;
  const isWritten = answer !== null && (!isPartial || answer.text !== '');
  if (isWritten) rows.push(answerRow(turn, answer));
  if (answer && overLimit) rows.push(...hopLimitRows(turn, answer, maxToolHops));
  const end = turnEnd(turn, overLimit);
  // The usage of an answer is in the log exactly once, also for an answer without a row.
  rows.push({ ...turnEndRow(turn.requestId, end), usage: isWritten ? null : (answer?.usage ?? null) });
  return { rows, end };
}

/** A turn that is stopped makes no further calls, so the text before them is the whole answer. */
function lastAnswer({ stop, fault }: RunningTurn, answer: ModelAnswer): ModelAnswer {
  if (stop) return answer.calls.length > 0 ? { ...answer, finishReason: 'cancelled' } : answer;
  const isCut = answer.finishReason === 'cancelled' || answer.calls.length > 0;
  return fault && isCut ? { ...answer, finishReason: 'failed' } : answer;
}

/** Gives each call without a result one, and closes its open interrupt. */
function closingRows({ requestId, calls }: RunningTurn): NewRow[] {
  return calls.flatMap(({ callId, tool, edited, stage, approval, question }) => {
    if (stage === 'settled' || stage === 'recorded') return [];
    const call = { callId, name: tool.name };
    return stage === 'asking' && approval
      ? [
          responseRow(requestId, callId, approval.interruptId, 'cancelled'),
          resultRow(requestId, call, unapprovedResult('cancelled')),
        ]
      : [
          ...closedQuestion(requestId, { callId, question }, 'cancelled'),
          resultRow(requestId, call, withEdit(instantResult('cancelled', CANCELLED), edited)),
        ];
  });
}

function hopLimitRows(turn: RunningTurn, answer: ModelAnswer, maxToolHops: number): NewRow[] {
  const notice = `[Stopped: the limit of ${maxToolHops} tool hop${maxToolHops === 1 ? '' : 's'} for one turn was reached.]`;
  return [
    ...answer.calls.map((call) =>
      resultRow(
        turn.requestId,
        call,
        instantResult('limit', 'Not run: the limit of tool hops for this turn was reached.'),
      ),
    ),
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
  const ended = { ...turn, used: usedBy(turn) };
  if (turn.fault && !turn.stop) return failed(ended, turn.fault);
  return complete(ended, turn.stop?.reason ?? (overLimit ? 'tool_limit_reached' : finishReason(turn.answer)));
}

/**
 * The end of a turn without a fault, cancelled turns included. A null `model` means that no model answered.
 */
export function complete(turn: EndedTurn, reason: FinishReason): TurnEnd {
  return { status: 'complete', metadata: { ...totals(turn), finish_reason: reason } };
}

/** The end of a turn by a fault. It carries the usage of its requests too. */
export function failed(turn: EndedTurn, error: Fault): TurnEnd {
  return { status: 'error', error, metadata: totals(turn) };
}

function totals({ model, hops, used }: EndedTurn): TurnTotals {
  const usage = sumOf(used);
  return { tokens: usage.total_tokens, usage, usage_by_hop: used, model, tool_hops: hops };
}

function finishReason(answer: ModelAnswer | null): FinishReason {
  return answer?.finishReason === 'length' || answer?.finishReason === 'content_filter' ? answer.finishReason : 'stop';
}

/** A turn's last row, kind `turn_end`. Until it is committed the turn is open, and a restart resumes it. */
export function turnEndRow(requestId: string, end: TurnEnd): NewRow {
  return metaRow(requestId, { kind: 'turn_end', ...end });
}

/** The end of a turn that was cancelled before it started. */
export function stoppedEnd(reason: StopReason): TurnEnd {
  return complete({ model: null, hops: 0, used: [] }, reason);
}
