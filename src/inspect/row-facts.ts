/**
 * Reduces a row of the log to what a trace and a list of events need: which call or request it is about, how long that
 * took, what it used and cost, and the beginning of its text where viewers may see texts.
 */
import { asObject } from '../../machines/json-object.ts';
import type { LogRow } from '../../machines/log.ts';

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
