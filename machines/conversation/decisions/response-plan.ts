/**
 * Decides what a person's response changes in the calls of a turn, and returns the rows to commit before anything acts
 * on it. A remembered decision answers all open approvals of the same tool at once. Pure.
 */
import type { RespondEvent } from '../client-events.ts';
import type { OpenCall, RememberedDecision, RunningTurn } from '../turn-state.ts';
import type { NewRow } from '../../log.ts';
import { openInterrupt, responseRow, unapprovedResult } from '../rows/approval-rows.ts';
import { NO_ANSWER, answerRows, serverAnswer, withAnswer } from './question-plan.ts';
import { markRemembered, rememberRow } from './remembered.ts';
import { dispatchRow, resultRow } from '../rows/turn-rows.ts';

/** What one response changes. */
export interface ResponsePlan {
  rows: NewRow[];
  /** The answered calls in their new state. */
  answered: OpenCall[];
  remember: RememberedDecision | null;
}

/** Null if the interrupt is not open. */
export function responsePlan({ requestId, calls }: RunningTurn, answer: RespondEvent): ResponsePlan | null {
  const questioned = calls.find(
    ({ question }) => question?.answer === null && question.interruptId === answer.interruptId,
  );
  if (questioned?.question) {
    const answered = withAnswer(questioned, questioned.question, serverAnswer(answer));
    return {
      rows: answerRows(requestId, answered, answer.decision, answer.reason),
      answered: [answered],
      remember: null,
    };
  }
  const asked = calls.find(({ stage, approval }) => stage === 'asking' && approval?.interruptId === answer.interruptId);
  if (!asked) return null;
  const { server, toolName, definition } = asked.tool;
  const alike = answer.remember
    ? calls.filter(
        (call) =>
          call !== asked && call.stage === 'asking' && call.tool.server === server && call.tool.toolName === toolName,
      )
    : [];
  const remember = answer.remember
    ? {
        server,
        toolName,
        definition,
        decision: answer.decision === 'approve' ? ('approve' as const) : ('deny' as const),
      }
    : null;
  // Changed arguments apply to this call only. The others keep the model's arguments.
  const changed = { ...asked, edited: answer.arguments };
  return {
    rows: [
      ...approvalRows(requestId, changed, answer),
      ...alike.flatMap((call) => approvalRows(requestId, call, answer).map(markRemembered)),
      ...(remember ? [rememberRow(requestId, remember)] : []),
    ],
    answered: [changed, ...alike].map((call) => ({
      ...call,
      stage: answer.decision === 'approve' ? 'answered' : 'settled',
    })),
    remember,
  };
}

/** Denies the calls whose time to respond is up. A server that asked gets the action `cancel`. */
export function expiryPlan({ requestId, calls }: RunningTurn, nowMs: number): Pick<ResponsePlan, 'rows' | 'answered'> {
  const overdue = calls.filter(
    (call) => call.stage === 'asking' && (openInterrupt(call)?.untilMs ?? Infinity) <= nowMs,
  );
  const answered = overdue.map((call): OpenCall =>
    call.question ? withAnswer(call, call.question, NO_ANSWER) : { ...call, stage: 'settled' },
  );
  return { rows: answered.flatMap((call) => expiryRows(requestId, call)), answered };
}

function expiryRows(requestId: string, call: OpenCall): NewRow[] {
  if (call.question) return answerRows(requestId, call, 'expired', null);
  const { callId, tool, approval } = call;
  return [
    responseRow(requestId, callId, approval?.interruptId ?? '', 'expired'),
    resultRow(requestId, { callId, name: tool.name }, unapprovedResult('expired')),
  ];
}

/** The rows of the decision about a call and of its consequence. */
function approvalRows(requestId: string, call: OpenCall, { decision, reason }: RespondEvent): NewRow[] {
  const { callId, tool, edited, approval } = call;
  return [
    responseRow(requestId, callId, approval?.interruptId ?? '', decision, { reason, edited }),
    decision === 'approve'
      ? dispatchRow(requestId, call)
      : resultRow(requestId, { callId, name: tool.name }, unapprovedResult('deny', reason)),
  ];
}
