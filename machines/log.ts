/**
 * Declares the rows of the event log: types and lists of values. turn-rows.ts builds the rows. Everything durable that
 * Parley sends to a client is a rendering of these rows.
 */

/** `type` column of `chat_events`. */
export const rowTypes = [
  'user_message',
  'assistant_message',
  'tool_call',
  'tool_result',
  'system_update',
  'meta',
] as const;
/** The kind of a row. */
export type RowType = (typeof rowTypes)[number];

/** How a tool call ended. Every call that the model asked for ends in exactly one of these. */
export const toolStatuses = ['ok', 'error', 'denied', 'cancelled', 'timed_out', 'outcome_unknown', 'limit'] as const;
/** The end of a tool call. */
export type ToolStatus = (typeof toolStatuses)[number];

/** How a turn without a fault ended. */
export const finishReasons = [
  'stop',
  'length',
  'content_filter',
  'tool_limit_reached',
  'cancelled',
  'interrupted',
] as const;
/** Why a turn without a fault ended. */
export type FinishReason = (typeof finishReasons)[number];

/** Token usage as the provider reports it. `estimated`: Parley counted instead. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  cached_tokens?: number;
  reasoning_tokens?: number;
  /** In the unit of the configured prices. Absent if the model has no price. */
  cost?: number;
  estimated?: true;
}

/** The usage of one request to the model. */
export interface HopUsage {
  /** From 0. */
  hop: number;
  model: string | null;
  usage: Usage;
}

/** A tool call as the assistant row stores it, in the format that every OpenAI-compatible API accepts. */
export interface ToolCallRequest {
  /** Parley's own id, because providers repeat theirs. */
  id: string;
  type: 'function';
  function: {
    name: string;
    /** A JSON object as text. `{}` if the model wrote anything else. */
    arguments: string;
  };
}

/** A fault as clients see it in `error` frames and `turn_end` rows. */
export interface Fault {
  code: string;
  message: string;
  retryable: boolean;
  data: Record<string, unknown>;
}

/** The totals of a turn at its end, of any kind. */
export interface TurnTotals {
  tokens: number;
  usage: Usage;
  usage_by_hop: readonly HopUsage[];
  model: string | null;
  tool_hops: number;
}

/** The metadata of a `complete` frame, as the `turn_end` row keeps it. */
export interface TurnMetadata extends TurnTotals {
  finish_reason: FinishReason;
}

/** A row before the store has assigned its `seq`. Property names are those of the columns. */
export interface NewRow {
  /** The store creates it if absent. The id of an assistant row is the `message_id` of its chunks. */
  id?: string;
  type: RowType;
  role: 'user' | 'assistant' | 'tool' | 'system' | null;
  content: string | null;
  tool_calls: ToolCallRequest[] | null;
  tool_call_id: string | null;
  model: string | null;
  usage: Usage | null;
  extra: Record<string, unknown>;
  /** Tokens of `content` and tool calls, counted before the append. Null only for rows without text. */
  token_count: number | null;
  /** The id of the turn. All rows of a turn share it. */
  request_id: string | null;
}

/** A committed row. `seq` numbers the conversation's log from 1 without gaps. */
export interface LogRow extends NewRow {
  id: string;
  conversation_id: string;
  seq: number;
  /** UTC, ISO 8601. */
  timestamp: string;
}

/** True for the last row of a turn. */
export function isTurnEnd({ type, extra }: Pick<NewRow, 'type' | 'extra'>): boolean {
  return type === 'meta' && extra['kind'] === 'turn_end';
}
