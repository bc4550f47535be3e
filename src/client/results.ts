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

/** A page of a conversation's log in seq order; `next_before_seq` leads to the page before, null at the oldest row. */
export interface HistoryPage {
  events: LogEvent[];
  head_seq: number;
  oldest_seq: number;
  next_before_seq: number | null;
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

export function isHistoryPage(result: object): result is HistoryPage {
  return 'events' in result && Array.isArray(result.events) && 'next_before_seq' in result;
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
