/**
 * Reads rows of the log for a viewer: those after a cursor, in short, and a single one as far as it may be seen.
 */
import type { ConversationRef } from '../conversation-ref.ts';
import type { Store } from '../store/port.ts';
import { redacted, type RedactionLimits } from './redaction.ts';
import { rowFacts, type RowFacts } from './row-facts.ts';

export interface RowDeps {
  store: Pick<Store, 'page'>;
  limits: RedactionLimits;
  /** Rows of one answer. */
  maxRows: number;
}

export interface RowsAfter {
  /** In the order of the log, without a gap after the cursor. */
  rows: RowFacts[];
  /** Newest row of the log; ask again while the last row is below it. */
  headSeq: number;
}

/** A single row is shown with so many times the characters of an event's copy. */
const WHOLE_FACTOR = 16;

/** Null for an unknown conversation. Rejects when the log cannot be read. */
export async function rowsAfter(
  { owner, conversationId }: ConversationRef,
  afterSeq: number,
  { store, limits, maxRows }: RowDeps,
): Promise<RowsAfter | null> {
  const page = await store.page(owner, conversationId, { afterSeq, limit: maxRows });
  return page && { rows: page.rows.map((row) => rowFacts(row, limits.texts)), headSeq: page.headSeq };
}

/** A bounded and redacted copy of the row; null where there is none with that seq. Rejects when the log cannot be read. */
export async function readRow(
  { owner, conversationId }: ConversationRef,
  seq: number,
  { store, limits }: RowDeps,
): Promise<object | null> {
  const [row] = (await store.page(owner, conversationId, { afterSeq: seq - 1, limit: 1 }))?.rows ?? [];
  if (row?.seq !== seq) return null;
  const maxChars = WHOLE_FACTOR * limits.maxChars;
  const { content, extra, ...facts } = row;
  // Facts first: of what does not fit, the end is left out.
  return Object(redacted({ ...facts, content, extra }, { ...limits, maxChars }, maxChars / 2));
}
