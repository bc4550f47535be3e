/**
 * Derives the chart states of a conversation and its tool calls from the log, after each row. States between two rows
 * are not in the log. The result is the state in which the chart waits for the next row.
 */
import type { LogRow, ToolStatus } from '../../log.ts';
import { onlyWaits } from './recovery.ts';
import type { FoldedLog } from '../turn-state.ts';

/** The state of a turn that only waits for people. It may leave memory; the log shows that it waits. */
export const WAITING_STATE = 'turn.toolHop.waiting';

/** Returns a dotted state such as `turn.toolHop.running`. `row` is the last row, the second argument the fold of all rows up to it. */
export function conversationStateAfter(row: LogRow, { interrupted }: FoldedLog): string {
  if (interrupted === null) return 'idle';
  if (interrupted.stop !== null) return 'turn.cancelling.stopping';
  if (row.extra['kind'] === 'recovered') return 'recovering';
  if (onlyWaits(interrupted)) return WAITING_STATE;
  // Rows before the last of one commit: the decision on each call follows in a later row.
  const isUndecided = interrupted.open.some(({ dispatch, approval }) => dispatch === null && approval === null);
  if (isUndecided && row.extra['kind'] !== 'response') return 'turn.toolHop.recording';
  if (interrupted.open.length > 0) return 'turn.toolHop.running';
  const isAnswer =
    row.type === 'assistant_message' &&
    row.tool_calls === null &&
    row.extra['asked_again'] !== true &&
    row.request_id === interrupted.requestId;
  return isAnswer ? 'turn.persisting' : 'turn.streaming';
}

/** The state of a dispatched call after this row. Null if the row says nothing about the call. */
export function toolCallStateAfter({ type, extra }: LogRow): { state: string; isEnd: boolean } | null {
  if (type === 'tool_result') {
    const state = ENDS[String(extra['status'])];
    return state === undefined ? null : { state, isEnd: true };
  }
  if (type !== 'meta') return null;
  if (extra['kind'] === 'elicitation_request' || extra['kind'] === 'sampling_request')
    return { state: 'asking', isEnd: false };
  if (extra['kind'] === 'task') return { state: 'waitingForTask', isEnd: false };
  return extra['kind'] === 'response' ? { state: 'running', isEnd: false } : null;
}

/** Final states by result status. The other statuses, `denied` and `limit`, belong to calls that were never made. */
const ENDS: Readonly<Partial<Record<string, string>>> = {
  ok: 'ok',
  error: 'error',
  cancelled: 'cancelled',
  timed_out: 'timedOut',
  outcome_unknown: 'outcomeUnknown',
} satisfies Partial<Record<ToolStatus, string>>;
