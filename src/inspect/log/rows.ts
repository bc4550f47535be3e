/**
 * Reads rows of the log for a viewer: those after a cursor, in short, and a single one as far as it may be seen.
 */
import { asObject } from '../../../machines/json-object.ts';
import type { LogRow } from '../../../machines/log.ts';
import type { ConversationRef } from '../../conversation-ref.ts';
import type { Store } from '../../store/port.ts';
import { redacted, type RedactionLimits } from '../redaction.ts';

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

export interface RowFacts {
  seq: number;
  /** Ms since the epoch. */
  at_ms: number;
  /** The row's type; of a `meta` row its kind. */
  type: string;
  request_id: string | null;
  call_id: string | null;
  /** The tool, and its MCP server. */
  name: string | null;
  server: string | null;
  /** How a call ended, what a person decided, or why an answer or a turn ended. */
  outcome: string | null;
  hop: number | null;
  duration_ms: number | null;
  first_token_ms: number | null;
  model: string | null;
  prompt_tokens: number | null;
  cached_tokens: number | null;
  completion_tokens: number | null;
  /** In the unit of the configured prices. */
  cost: number | null;
  /** The beginning of its text; null where there is none, and where viewers see no texts. */
  text: string | null;
}

/** UTF-16 units of the beginning of a text. */
const PREVIEW_CHARS = 160;
/** Longest name of a tool or model that is shown. */
const NAME_CHARS = 128;

export function rowFacts(
  { seq, timestamp, type, request_id, tool_call_id, model, usage, extra, content }: LogRow,
  texts: boolean,
): RowFacts {
  return {
    seq,
    at_ms: Date.parse(timestamp),
    type: kindOf(type, extra),
    request_id,
    call_id: tool_call_id,
    name: nameIn(extra, 'name'),
    server: nameIn(extra, 'server'),
    outcome: outcomeOf(extra),
    hop: numberIn(extra, 'hop'),
    duration_ms: numberIn(extra, 'duration_ms'),
    first_token_ms: numberIn(extra, 'first_token_ms'),
    model: model?.slice(0, NAME_CHARS) ?? null,
    prompt_tokens: usage?.prompt_tokens ?? null,
    cached_tokens: usage?.cached_tokens ?? null,
    completion_tokens: usage?.completion_tokens ?? null,
    cost: usage?.cost ?? null,
    text: texts && content !== null && content !== '' ? content.slice(0, PREVIEW_CHARS).toWellFormed() : null,
  };
}

/** Rows without a shape of their own are told apart by their kind. */
export function kindOf(type: string, extra: LogRow['extra']): string {
  return type === 'meta' ? (nameIn(extra, 'kind') ?? type) : type;
}

function outcomeOf(extra: LogRow['extra']): string | null {
  const { finish_reason: reason = null } = asObject(extra['metadata']) ?? {};
  const { code = null } = asObject(extra['error']) ?? {};
  return (
    [code, reason, extra['decision'], extra['finish_reason'], extra['status'], extra['reason']]
      .find((each) => typeof each === 'string')
      ?.toString()
      .slice(0, NAME_CHARS) ?? null
  );
}

function nameIn(extra: LogRow['extra'], field: string): string | null {
  const value = extra[field];
  return typeof value === 'string' ? value.slice(0, NAME_CHARS) : null;
}

function numberIn(extra: LogRow['extra'], field: string): number | null {
  const value = extra[field];
  return typeof value === 'number' ? value : null;
}
