/**
 * Which state a log leaves its charts in: the conversation's and its tool calls', after each row. Of the states
 * between two rows the log knows nothing; told is the one in which the chart waits for what the next row will say.
 */
import type { LogRow, ToolStatus } from '../../log.ts';
import { onlyWaits } from './recovery.ts';
import type { FoldedLog } from '../turn-state.ts';

/** The state of a turn that only waits for people. It may leave memory; the log shows that it waits. */
export const WAITING_STATE = 'turn.toolHop.waiting';

/** Dotted, as in `turn.toolHop.running`. `row` is the last one; `folded` what it and those before it add up to. */
export function conversationStateAfter(row: LogRow, { interrupted }: FoldedLog): string {
  if (interrupted === null) return 'idle';
  if (interrupted.stop !== null) return 'turn.cancelling.stopping';
  if (row.extra['kind'] === 'recovered') return 'recovering';
  if (onlyWaits(interrupted)) return WAITING_STATE;
  // Of one commit, the rows before the last: what becomes of each call is still to be told.
  const isUndecided = interrupted.open.some(({ dispatch, approval }) => dispatch === null && approval === null);
  if (isUndecided && row.extra['kind'] !== 'response') return 'turn.toolHop.recording';
  if (interrupted.open.length > 0) return 'turn.toolHop.running';
  const isAnswer =
    row.type === 'assistant_message' && row.tool_calls === null && row.request_id === interrupted.requestId;
  return isAnswer ? 'turn.persisting' : 'turn.streaming';
}

/** Where a row leaves the call that it is about, once that was made; null where it says nothing of it. */
export function toolCallStateAfter({ type, extra }: LogRow): { state: string; isEnd: boolean } | null {
  if (type === 'tool_result') {
    const state = ENDS[String(extra['status'])];
    return state === undefined ? null : { state, isEnd: true };
  }
  if (type !== 'meta') return null;
  if (extra['kind'] === 'elicitation_request' || extra['kind'] === 'sampling_request')
    return { state: 'asking', isEnd: false };
  return extra['kind'] === 'response' ? { state: 'running', isEnd: false } : null;
}

/** The others, `denied` and `limit`, are ends of calls that were never made. */
const ENDS: Readonly<Partial<Record<string, string>>> = {
  ok: 'ok',
  error: 'error',
  cancelled: 'cancelled',
  timed_out: 'timedOut',
  outcome_unknown: 'outcomeUnknown',
} satisfies Partial<Record<ToolStatus, string>>;
