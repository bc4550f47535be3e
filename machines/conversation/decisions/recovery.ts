/**
 * Decides about a turn that a restart or a crash cut off: whether it goes on, which calls are repeated, and which rows
 * record that. Pure. The state `recovering` appends the rows.
 */
import type { TurnEnd } from '../events.ts';
import type { InterruptedCall, InterruptedTurn, OpenCall, RecoveryPolicy, WrittenDraft } from '../turn-state.ts';
import type { NewRow } from '../../log.ts';
import { responseRow, unapprovedResult, withEdit } from '../rows/approval-rows.ts';
import { chartFault } from '../../faults.ts';
import { closedQuestion } from './question-plan.ts';
import { complete, failed, turnEndRow } from './turn-end.ts';
import { CANCELLED, answerRow, dispatchRow, instantResult, metaRow, resultRow } from '../rows/turn-rows.ts';

const UNKNOWN_OUTCOME =
  'The server restarted while this call was running. It may or may not have taken effect: check before you repeat it.';

const ABANDONED_TASK =
  'The turn ended while the server worked on this call as a task. Parley has asked the server to cancel it. It may have taken effect: check before you repeat it.';

/** The end of a turn that must not go on. Null if it may. */
export function recoveryEnd(turn: InterruptedTurn, { mode, attempts, maxAgeMs }: RecoveryPolicy): TurnEnd | null {
  if (turn.stop) return complete(turn, turn.stop);
  if (onlyWaits(turn)) return null;
  const givenUp = (why: string) =>
    failed(turn, chartFault('recovery_failed', `${why} Send the message again under a new request_id.`));
  if (mode === 'interrupt') return givenUp('The server restarted before this turn had ended.');
  if (turn.recoveries >= attempts)
    return givenUp(`Restarts interrupted this turn ${turn.recoveries + 1} times, so it is not resumed again.`);
  if (turn.ageMs > maxAgeMs) return givenUp('The server was away for too long to go on with this turn.');
  return null;
}

/**
 * True for a turn that only waits for people. No crash interrupted it, so it uses no recovery attempt. The question of a
 * server that kept its call open does not count: it is lost with the connection.
 */
export function onlyWaits({ stop, open }: InterruptedTurn): boolean {
  return (
    stop === null && open.length > 0 && open.every(({ approval, question }) => approval !== null || question?.resume)
  );
}

/** Calls that stay open: those that wait for a person, those whose server runs a task, and idempotent calls that were dispatched once and are repeated. */
export function callsToResume({ open, hops }: InterruptedTurn): OpenCall[] {
  return open.flatMap(({ request: { id: callId }, dispatch, approval, question }): OpenCall[] => {
    const hop = hops - 1;
    if (approval) {
      const { tool, arguments: args, interruptId, untilMs } = approval;
      return [
        {
          callId,
          tool,
          arguments: args,
          edited: null,
          hop,
          attempt: 1,
          approval: { interruptId, untilMs },
          question: null,
          resume: null,
          stage: 'asking',
        },
      ];
    }
    if (dispatch && question?.resume) {
      const { tool, arguments: args, attempt, resume } = dispatch;
      return [
        {
          callId,
          tool,
          arguments: args,
          edited: editOf(dispatch),
          hop,
          attempt,
          approval: null,
          question,
          resume,
          stage: 'asking',
        },
      ];
    }
    const hasTask = Boolean(dispatch?.resume?.task);
    const isRepeated = dispatch?.tool.idempotent === true && dispatch.attempt === 1;
    if (!dispatch || (!hasTask && !isRepeated)) return [];
    const { tool, arguments: args, resume, attempt } = dispatch;
    return [
      {
        callId,
        tool,
        arguments: args,
        edited: editOf(dispatch),
        hop,
        attempt: hasTask ? attempt : 2,
        approval: null,
        question: null,
        resume,
        stage: 'ready',
      },
    ];
  });
}

/** Resumes an interrupted turn: repeats idempotent calls without a task, closes all other open calls, and ends a turn that must not go on. */
export function recoveryRows(turn: InterruptedTurn, policy: RecoveryPolicy): { rows: NewRow[]; end: TurnEnd | null } {
  const end = recoveryEnd(turn, policy);
  const resumed = end ? [] : callsToResume(turn);
  const closed = turn.open.filter(({ request }) => !resumed.some((call) => call.callId === request.id));
  const rows = [
    ...closed.flatMap((call) => closingRows(turn.requestId, call)),
    // A turn that goes on writes the message again. A turn that ends keeps the text that people have read.
    ...(end && turn.draft ? draftRows(turn, turn.draft) : []),
    ...resumed
      .filter(({ stage }) => stage === 'ready')
      // A task goes on, so its call is not made again.
      .flatMap((call) => [
        ...lostQuestion(turn, call),
        ...(call.resume?.task ? [] : [dispatchRow(turn.requestId, call)]),
      ]),
    end
      ? turnEndRow(turn.requestId, end)
      : metaRow(turn.requestId, { kind: 'recovered', attempt: turn.recoveries + 1 }),
  ];
  return { rows, end };
}

/** Closes the question of a server that kept its call open. It asks again when the call is repeated. */
function lostQuestion({ requestId, open }: InterruptedTurn, { callId }: OpenCall): NewRow[] {
  const question = open.find(({ request }) => request.id === callId)?.question ?? null;
  return closedQuestion(requestId, { callId, question }, 'cancelled');
}

/** A dispatched call may have taken effect. A call that waits for approval cannot have. A suspended call was not running. */
function closingRows(requestId: string, { request, dispatch, approval, question }: InterruptedCall): NewRow[] {
  const call = { callId: request.id, name: request.function.name };
  if (approval) {
    return [
      responseRow(requestId, call.callId, approval.interruptId, 'cancelled'),
      resultRow(requestId, call, unapprovedResult('cancelled')),
    ];
  }
  const unknown = dispatch?.resume?.task ? ABANDONED_TASK : UNKNOWN_OUTCOME;
  const end =
    dispatch && !question?.resume ? instantResult('outcome_unknown', unknown) : instantResult('cancelled', CANCELLED);
  return [
    ...closedQuestion(requestId, { callId: call.callId, question }, 'cancelled'),
    resultRow(requestId, call, withEdit(end, dispatch ? editOf(dispatch) : null)),
  ];
}

function editOf({ edited, arguments: args }: NonNullable<InterruptedCall['dispatch']>): Record<string, unknown> | null {
  return edited ? args : null;
}

function draftRows(turn: InterruptedTurn, { messageId, text, reasoning, model }: WrittenDraft): NewRow[] {
  if (text === '') return [];
  const finishReason = turn.stop ? 'cancelled' : 'failed';
  const written = {
    messageId,
    text: text.toWellFormed(),
    reasoning: reasoning.toWellFormed(),
    model,
    signatures: null,
    calls: [],
    usage: null,
    timing: null,
  };
  return [answerRow(turn, { ...written, finishReason })];
}
