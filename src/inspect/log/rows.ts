/**
 * Reads rows of the log for viewers: short facts of the rows after a cursor, or a redacted copy of one row. The facts
 * are what a timeline needs: ids, times, usage, cost, and the beginning of the text if content is included.
 */
import { asObject } from '../../../machines/json-object.ts';
import type { LogRow } from '../../../machines/log.ts';
import type { ConversationRef } from '../../conversation-ref.ts';
import type { Store } from '../../store/port.ts';
import { redacted, type RedactionLimits } from '../redaction.ts';

/** The store and the limits of a response. */
export interface RowDeps {
  store: Pick<Store, 'page'>;
  limits: RedactionLimits;
  /** Most rows of one response. */
  maxRows: number;
}

/** The next rows of a log. */
export interface RowsAfter {
  /** In log order, without a gap after the cursor. */
  rows: RowFacts[];
  /** Newest seq of the log. Read again while the last row is below it. */
  headSeq: number;
}

/** A single row may have this many times the characters of an event's copy. */
const WHOLE_FACTOR = 16;

/** Resolves with null for an unknown conversation. Rejects if the log cannot be read. */
export async function rowsAfter(
  { owner, conversationId }: ConversationRef,
  afterSeq: number,
  { store, limits, maxRows }: RowDeps,
): Promise<RowsAfter | null> {
  const page = await store.page(owner, conversationId, { afterSeq, limit: maxRows });
  return page && { rows: page.rows.map((row) => rowFacts(row, limits.includeContent)), headSeq: page.headSeq };
}

/** Resolves with a bounded, redacted copy; null if no row has that seq. Rejects if the log cannot be read. */
export async function readRow(
  { owner, conversationId }: ConversationRef,
  seq: number,
  { store, limits }: RowDeps,
): Promise<object | null> {
  const [row] = (await store.page(owner, conversationId, { afterSeq: seq - 1, limit: 1 }))?.rows ?? [];
  if (row?.seq !== seq) return null;
  const maxChars = WHOLE_FACTOR * limits.maxChars;
  const { content, extra, ...facts } = row;
  // Facts first: the copy leaves out the end if it does not fit.
  return Object(redacted({ ...facts, content, extra }, { ...limits, maxChars }, maxChars / 2));
}

/** One row in short. */
export interface RowFacts {
  seq: number;
  /** Ms since the epoch. */
  at_ms: number;
  /** The row's type; for a `meta` row its kind. */
  type: string;
  request_id: string | null;
  call_id: string | null;
  /** The tool, and its MCP server. */
  name: string | null;
  server: string | null;
  /** How a call ended, a person's decision, or why an answer or a turn ended. */
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
  /** The beginning of its text. Null if it has none, or if content is not included. */
  text: string | null;
}

/** Longest beginning of a text, in UTF-16 units. */
const PREVIEW_CHARS = 160;
/** Longest name of a tool or model that is shown. */
const NAME_CHARS = 128;

/** A row as the inspection page gets it. `texts`: with its content. */
export function rowFacts(
  { seq, timestamp, type, request_id, tool_call_id, model, usage, extra, content }: LogRow,
  texts: boolean,
): RowFacts {
  return {
    seq,
    at_ms: Date.parse(timestamp),
    type: rowKind(type, extra),
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

/** The row's type; for a `meta` row the kind that it names. */
export function rowKind(type: string, extra: LogRow['extra']): string {
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
