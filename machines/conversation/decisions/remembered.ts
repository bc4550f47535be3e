/**
 * What people have decided about a tool for the rest of a conversation: found before anybody is asked again,
 * written down when somebody says so, and told in the rows that follow from it. Pure.
 */
import type { CallResult } from '../hop-answers.ts';
import type { HopTool, RememberedDecision } from '../turn-state.ts';
import type { NewRow } from '../../log.ts';
import { instantResult, metaRow } from '../rows/turn-rows.ts';

/**
 * Null where a person has to be asked. The server's own name counts: the one that models see may change. What was
 * approved is the tool as it was then: a server that gives the name to something else asks anew. A refusal holds
 * whatever becomes of the tool, or a server could wear people down.
 */
export function rememberedDecision(
  { server, toolName, definition }: HopTool,
  remembered: readonly RememberedDecision[],
): RememberedDecision['decision'] | null {
  const known = remembered.findLast((each) => each.server === server && each.toolName === toolName);
  if (known === undefined || (known.decision === 'approve' && known.definition !== definition)) return null;
  return known.decision;
}

/** The row for people and audits; what counts is what the log keeps beside its rows, which retention does not take. */
export function rememberRow(requestId: string, { server, toolName, definition, decision }: RememberedDecision): NewRow {
  return metaRow(requestId, { kind: 'remember', server, tool_name: toolName, definition, decision });
}

/** Marks a row that nobody was asked for. */
export function markRemembered(row: NewRow): NewRow {
  return { ...row, extra: { ...row.extra, remembered: true } };
}

/** The result of a call that was declined before it was asked for. */
export function rememberedDenial(): CallResult {
  return instantResult('denied', 'A person has declined this tool for the rest of the conversation; it was not run.');
}
