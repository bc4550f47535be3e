/**
 * What the actions answer, as far as a client must rely on it: types of the results, and the least
 * that must be there before one is trusted.
 */
import type { Results } from '../protocol/actions.ts';
import { clientError, type ParleyError } from './errors.ts';

export type Result = Record<string, unknown>;

/** The turns that were stopped. */
export type CancelResult = Results['cancel'];

/** The decision counts; or another came first: a person's, or that time or the turn was over. */
export type RespondResult = Results['respond'];

/** A page of a conversation's log in seq order; `next_before_seq` leads to the page before, null at the oldest row. */
export type HistoryPage = Results['history'];

/** A page of the list, newest first; `next_cursor` leads to the next one, null on the last. */
export type ConversationPage = Results['conversations'];

/** The new conversation. */
export type ForkResult = Results['fork'];

/** The tools of the MCP servers, and how each server stands. */
export type ToolList = Results['tools'];

/** A page of the prompts that MCP servers offer; `next_cursor` leads to the next one, null on the last. */
export type PromptPage = Results['prompts'];

/** What a prompt says with its arguments filled in. */
export type FilledPrompt = Results['get_prompt'];

/** A page of the resources that MCP servers offer, the templates for more behind them. */
export type ResourcePage = Results['resources'];

/** What a resource holds. */
export type ResourceContents = Results['read_resource'];

/** What an argument may be completed to. */
export type Completions = Results['complete_argument'];

/** Where a subscription starts, and how the conversation stands. */
export type Subscription = Results['subscribe'];

export function isCancelResult(result: object): result is CancelResult {
  return 'cancelled' in result && Array.isArray(result.cancelled) && 'disposition' in result;
}

export function isRespondResult(result: object): result is RespondResult {
  if ('accepted' in result) return result.accepted === true;
  return (
    'already' in result && typeof result.already === 'object' && result.already !== null && 'decision' in result.already
  );
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

export function isPromptPage(result: object): result is PromptPage {
  return 'prompts' in result && Array.isArray(result.prompts) && 'next_cursor' in result;
}

export function isFilledPrompt(result: object): result is FilledPrompt {
  return 'messages' in result && Array.isArray(result.messages);
}

export function isResourcePage(result: object): result is ResourcePage {
  return (
    'resources' in result &&
    Array.isArray(result.resources) &&
    'templates' in result &&
    Array.isArray(result.templates) &&
    'next_cursor' in result
  );
}

export function isResourceContents(result: object): result is ResourceContents {
  return 'contents' in result && Array.isArray(result.contents);
}

export function isCompletions(result: object): result is Completions {
  return 'values' in result && Array.isArray(result.values) && 'has_more' in result;
}

export function isSubscription(result: object): result is Subscription {
  return 'head_seq' in result && 'oldest_seq' in result && typeof result.oldest_seq === 'number';
}

/** The result, or the error that it is not one. */
export function readResult<Known extends object>(
  action: string,
  result: Result,
  isKnown: (result: object) => result is Known,
): Known | ParleyError {
  return isKnown(result)
    ? result
    : clientError('unexpected_answer', `The server's answer to "${action}" is not what it should be.`);
}
