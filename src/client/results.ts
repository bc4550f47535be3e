/**
 * What the actions answer, as far as a client must rely on it: types of the results, and the least
 * that must be there before one is trusted.
 */
import type { LogEvent } from '../protocol.ts';
import { clientError, type ParleyError } from './errors.ts';

export type Result = Record<string, unknown>;

/** The turns that were stopped. */
export interface CancelResult {
  cancelled: string[];
  disposition: 'cancelled' | 'nothing_running';
}

/** The decision counts; or another came first: a person's, or that time or the turn was over. */
export type RespondResult = { accepted: true } | { already: { decision: 'approve' | 'deny' | 'expired' | 'cancelled' } };

/** A page of a conversation's log in seq order; `next_before_seq` leads to the page before, null at the oldest row. */
export interface HistoryPage {
  events: LogEvent[];
  head_seq: number;
  oldest_seq: number;
  next_before_seq: number | null;
}

/** A conversation as a list shows it. Times are UTC, ISO 8601; counts are of the rows that are kept. */
export interface ConversationEntry {
  conversation_id: string;
  /** Its first words; null while nobody has said any. */
  title: string | null;
  created_at: string;
  /** Of its last row; newest first is the order of the list. */
  updated_at: string;
  message_count: number;
  tokens: number;
  head_seq: number;
  /** `waiting` for a person; `running` with turns that have no end yet. */
  activity: 'idle' | 'running' | 'waiting';
}

/** A page of the list; `next_cursor` leads to the next one, null on the last. */
export interface ConversationPage {
  conversations: ConversationEntry[];
  next_cursor: string | null;
}

/** The new conversation. */
export interface ForkResult {
  conversation_id: string;
}

/** The tools that turns may use, and how each MCP server stands. */
export interface ToolList {
  tools: { name: string; server: string; description: string; input_schema: Record<string, unknown> }[];
  servers: Record<string, unknown>[];
}

/** Where a subscription starts, and how the conversation stands. */
export interface Subscription {
  head_seq: number;
  oldest_seq: number;
  /** Rows after the cursor are gone; it goes on from the oldest. */
  truncated: boolean;
  /** The cursor lay beyond the log; it goes on from the oldest. */
  reset: boolean;
  state: string;
  can: string[];
  active: { request_id: string; message_id: string | null } | null;
}

export function isCancelResult(result: object): result is CancelResult {
  return 'cancelled' in result && Array.isArray(result.cancelled) && 'disposition' in result;
}

export function isRespondResult(result: object): result is RespondResult {
  if ('accepted' in result) return result.accepted === true;
  return 'already' in result && typeof result.already === 'object' && result.already !== null && 'decision' in result.already;
}

export function isHistoryPage(result: object): result is HistoryPage {
  return 'events' in result && Array.isArray(result.events) && 'next_before_seq' in result;
}

export function isConversationPage(result: object): result is ConversationPage {
  return 'conversations' in result && Array.isArray(result.conversations) && 'next_cursor' in result;
}

export function isForkResult(result: object): result is ForkResult {
  return 'conversation_id' in result && typeof result.conversation_id === 'string';
}

export function isToolList(result: object): result is ToolList {
  return 'tools' in result && Array.isArray(result.tools) && 'servers' in result && Array.isArray(result.servers);
}

export function isSubscription(result: object): result is Subscription {
  return 'head_seq' in result && 'oldest_seq' in result && typeof result.oldest_seq === 'number';
}

/** The result, or the error that it is not one. */
export function readResult<Known extends object>(action: string, result: Result, isKnown: (result: object) => result is Known): Known | ParleyError {
  return isKnown(result) ? result : clientError('unexpected_answer', `The server's answer to "${action}" is not what it should be.`);
}
