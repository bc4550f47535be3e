/**
 * The vocabulary of the event log: what a row is, and what each kind of row says.
 * No functions; the rows are made in turn-rows.ts. Everything durable that Parley tells a client is
 * a rendering of these rows, so no other module invents a row of its own.
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
export type RowType = (typeof rowTypes)[number];

/** How a tool call ended; every call the model asked for ends in exactly one of these. */
export const toolStatuses = ['ok', 'error', 'denied', 'cancelled', 'timed_out', 'outcome_unknown', 'limit'] as const;
export type ToolStatus = (typeof toolStatuses)[number];

/** How a turn that did not fail ended. */
export const finishReasons = [
  'stop',
  'length',
  'content_filter',
  'tool_limit_reached',
  'cancelled',
  'interrupted',
] as const;
export type FinishReason = (typeof finishReasons)[number];

/** Token usage as providers report it; `estimated` where Parley had to count by itself. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  cached_tokens?: number;
  reasoning_tokens?: number;
  /** In the unit of the prices that are configured; absent where none is for the model. */
  cost?: number;
  estimated?: true;
}

/** What one request to the model has used. */
export interface HopUsage {
  /** From 0. */
  hop: number;
  model: string | null;
  usage: Usage;
}

/** A tool call as the assistant row stores it: the shape every OpenAI-compatible API takes back. */
export interface ToolCallRequest {
  /** Ours, not the provider's: providers repeat theirs. */
  id: string;
  type: 'function';
  function: {
    name: string;
    /** A JSON object as text; `{}` where the model wrote something that is no JSON object. */
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

/** What a turn has taken by its end, whatever end that is. */
export interface TurnTotals {
  tokens: number;
  usage: Usage;
  usage_by_hop: readonly HopUsage[];
  model: string | null;
  tool_hops: number;
}

/** What `complete` tells about a turn, as the `turn_end` row keeps it. */
export interface TurnMetadata extends TurnTotals {
  finish_reason: FinishReason;
}

/** A row before the store has given it its `seq`. Names are those of the columns. */
export interface NewRow {
  /** Given by the store when absent; an assistant row's is the `message_id` its chunks carried. */
  id?: string;
  type: RowType;
  role: 'user' | 'assistant' | 'tool' | 'system' | null;
  content: string | null;
  tool_calls: ToolCallRequest[] | null;
  tool_call_id: string | null;
  model: string | null;
  usage: Usage | null;
  extra: Record<string, unknown>;
  /** Tokens of `content` (and tool calls); counted before the append, null only where there is no text. */
  token_count: number | null;
  /** The turn's id; rows of one turn share it. */
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
