/**
 * Decides about the calls that a model asked for in one hop: run it, ask a person, or answer at once with a result that
 * the model can act on. Pure. The rows are committed together, before any call runs.
 */
import type { RequestedCall, CallResult } from '../hop-answers.ts';
import type { HopTool, OpenCall, RememberedDecision, RunningTurn, ToolUse } from '../turn-state.ts';
import type { NewRow } from '../../log.ts';
import { newApproval, requestRow } from '../rows/approval-rows.ts';
import { markRemembered, rememberedDenial, rememberedDecision } from './remembered.ts';
import { answerRow, dispatchRow, instantResult, resultRow } from '../rows/turn-rows.ts';

/** Returns the rows to commit before any call runs, and the calls that are then open. */
export function hopPlan(
  turn: RunningTurn,
  approvalTimeoutMs: number,
  remembered: readonly RememberedDecision[],
): { rows: NewRow[]; calls: OpenCall[] } {
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
    const call: OpenCall = {
      callId: asked.callId,
      edited: null,
      hop: turn.hops,
      attempt: 1,
      approval: null,
      question: null,
      resume: null,
      stage: 'ready',
      ...decision,
    };
    if (call.tool.permission !== 'ask') {
      calls.push(call);
      rows.push(dispatchRow(turn.requestId, call));
      continue;
    }
    switch (rememberedDecision(call.tool, remembered)) {
      case 'approve':
        calls.push(call);
        rows.push(markRemembered(dispatchRow(turn.requestId, call)));
        break;
      case 'deny':
        rows.push(markRemembered(resultRow(turn.requestId, asked, rememberedDenial())));
        break;
      case null: {
        const approval = newApproval(call.callId, answer.endedAtMs + approvalTimeoutMs);
        calls.push({ ...call, approval, stage: 'asking' });
        rows.push(requestRow(turn.requestId, call, approval));
      }
    }
  }
  return { rows, calls };
}

/** The tools that the model sees: those without `permission: never`. A model may still call a hidden tool that it invents or copies from an older answer. */
export function offeredTools(tools: ReadonlyMap<string, HopTool>): HopTool[] {
  return [...tools.values()].filter(({ permission }) => permission !== 'never');
}

function decide(call: RequestedCall, tools: ReadonlyMap<string, HopTool>): ToolUse | { result: CallResult } {
  const tool = tools.get(call.name);
  if (!tool) {
    const known = offeredTools(tools)
      .map(({ name }) => name)
      .join(', ');
    return {
      result: instantResult(
        'error',
        `There is no tool "${call.name}". ${known === '' ? 'No tools are available.' : `Available: ${known}.`}`,
      ),
    };
  }
  if (call.arguments === null) {
    return { result: instantResult('error', `The arguments are not a JSON object. You wrote: ${call.text}`) };
  }
  if (tool.permission === 'never') {
    return {
      result: instantResult('denied', 'The configuration of this server does not allow this tool; it was not run.'),
    };
  }
  if (call.violation !== null) {
    return {
      result: instantResult(
        'error',
        `The tool was not run: its arguments do not fit its schema (${call.violation}). Correct them and call it again.`,
      ),
    };
  }
  return { tool, arguments: call.arguments };
}
