/**
 * What a person's answer makes of the calls of a turn: the rows to commit before anything acts on it. An answer
 * that is to be remembered is at once the answer to all that is asked about the same tool. Pure.
 */
import type { RespondEvent } from './client-events.ts';
import type { OpenCall, RememberedDecision, RunningTurn } from './turn-terms.ts';
import type { NewRow } from './log.ts';
import { responseRow, unapprovedResult } from './approval.ts';
import { byMemory, rememberRow } from './remembered.ts';
import { dispatchRow, resultRow } from './turn-rows.ts';

export interface ResponsePlan {
  rows: NewRow[];
  /** Calls that were answered, as they are then. */
  answered: OpenCall[];
  remember: RememberedDecision | null;
}

/** Null when nobody is asked that. */
export function responsePlan({ requestId, calls }: RunningTurn, answer: RespondEvent): ResponsePlan | null {
  const asked = calls.find(({ stage, approval }) => stage === 'asking' && approval?.interruptId === answer.interruptId);
  if (!asked) return null;
  const { server, toolName, definition } = asked.tool;
  const alike = answer.remember ? calls.filter((call) => call !== asked && call.stage === 'asking' && call.tool.server === server && call.tool.toolName === toolName) : [];
  const remember = answer.remember ? { server, toolName, definition, decision: answer.decision } : null;
  // Changed arguments are for the one call; the others are made as they were asked for.
  const changed = { ...asked, edited: answer.arguments };
  return {
    rows: [
      ...answerRows(requestId, changed, answer),
      ...alike.flatMap((call) => answerRows(requestId, call, answer).map(byMemory)),
      ...(remember ? [rememberRow(requestId, remember)] : []),
    ],
    answered: [changed, ...alike].map((call) => ({ ...call, stage: answer.decision === 'approve' ? 'answered' : 'settled' })),
    remember,
  };
}

/** The answer and what follows from it. */
function answerRows(requestId: string, call: OpenCall, { decision, reason }: RespondEvent): NewRow[] {
  const { callId, tool, edited, approval } = call;
  return [
    responseRow(requestId, callId, approval?.interruptId ?? '', decision, { reason, edited }),
    decision === 'approve' ? dispatchRow(requestId, call) : resultRow(requestId, { callId, name: tool.name }, unapprovedResult('deny', reason)),
  ];
}
