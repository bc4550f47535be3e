/**
 * Applies remembered decisions: what a person decided about a tool for the rest of a conversation. Pure.
 */
import type { CallResult } from '../hop-answers.ts';
import type { HopTool, RememberedDecision } from '../turn-state.ts';
import type { NewRow } from '../../log.ts';
import { instantResult, metaRow } from '../rows/turn-rows.ts';

/**
 * The remembered decision about a tool. Null if a person has to be asked. Matches the server's own tool name, because
 * the name that models see may change. An approval holds only while the tool's definition is unchanged. A denial holds
 * for every definition, or a server could ask again and again.
 */
export function rememberedDecision(
  { server, toolName, definition }: HopTool,
  remembered: readonly RememberedDecision[],
): RememberedDecision['decision'] | null {
  const known = remembered.findLast((each) => each.server === server && each.toolName === toolName);
  if (known === undefined || (known.decision === 'approve' && known.definition !== definition)) return null;
  return known.decision;
}

/** The row for readers and audits. The store also keeps the decision beside the rows, where retention does not delete it. */
export function rememberRow(requestId: string, { server, toolName, definition, decision }: RememberedDecision): NewRow {
  return metaRow(requestId, { kind: 'remember', server, tool_name: toolName, definition, decision });
}

/** Marks a row that follows from a remembered decision. */
export function markRemembered(row: NewRow): NewRow {
  return { ...row, extra: { ...row.extra, remembered: true } };
}

/** The result of a call that a remembered decision denies. */
export function rememberedDenial(): CallResult {
  return instantResult('denied', 'A person has declined this tool for the rest of the conversation; it was not run.');
}
