/**
 * What becomes of a turn that a restart or a crash cut off: whether it goes on, which calls are made
 * once more, and the rows that say so. Pure; `recovering` appends what it returns.
 */
import type { TurnEnd } from './conversation-events.ts';
import type { InterruptedTurn, OpenCall, RecoveryPolicy } from './turn-terms.ts';
import type { NewRow } from './log.ts';
import { CANCELLED, complete, dispatchRow, instantResult, metaRow, resultRow, turnEndRow } from './turn-rows.ts';

const UNKNOWN_OUTCOME = 'The server restarted while this call was running. It may or may not have taken effect: check before you repeat it.';

/** Why an interrupted turn must not go on; null when it may. */
export function recoveryEnd(turn: InterruptedTurn, { mode, attempts, maxAgeMs }: RecoveryPolicy): TurnEnd | null {
  if (turn.stop) return complete(turn, turn.usage, turn.stop);
  const failed = (why: string): TurnEnd => ({
    status: 'error',
    error: { code: 'recovery_failed', message: `${why} Send the message again under a new request_id.`, retryable: false, data: {} },
  });
  if (mode === 'interrupt') return failed('The server restarted before this turn had ended.');
  if (turn.recoveries >= attempts) return failed(`The turn was cut off ${turn.recoveries + 1} times and is given up.`);
  if (turn.ageMs > maxAgeMs) return failed('The server was away for too long to go on with this turn.');
  return null;
}

/** Calls that are made once more: dispatched once, and harmless to repeat. */
export function repeatedCalls(turn: InterruptedTurn): OpenCall[] {
  return turn.open.flatMap(({ request, dispatch }) =>
    dispatch?.tool.harmless === true && dispatch.attempt === 1
      ? [{ callId: request.id, tool: dispatch.tool, arguments: dispatch.arguments, attempt: 2, stage: 'waiting' as const }]
      : []);
}

/** Takes an interrupted turn up again: repeats what is harmless, closes what else the log leaves open, ends what must not go on. */
export function recoveryRows(turn: InterruptedTurn, policy: RecoveryPolicy): { rows: NewRow[]; end: TurnEnd | null } {
  const end = recoveryEnd(turn, policy);
  const repeated = end ? [] : repeatedCalls(turn);
  const closed = turn.open.filter(({ request }) => !repeated.some((call) => call.callId === request.id));
  const rows = [
    ...closed.map(({ request, dispatch }) => resultRow(
      turn.requestId,
      { callId: request.id, name: request.function.name },
      instantResult(dispatch ? 'outcome_unknown' : 'cancelled', dispatch ? UNKNOWN_OUTCOME : CANCELLED),
    )),
    ...repeated.map((call) => dispatchRow(turn, call)),
    end ? turnEndRow(turn.requestId, end) : metaRow(turn.requestId, { kind: 'recovered', attempt: turn.recoveries + 1 }),
  ];
  return { rows, end };
}
