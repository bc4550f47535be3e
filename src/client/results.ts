/**
 * Defines the results of the actions as a client sees them, and checks the fields that callers rely on. The rest of a
 * result is trusted.
 */
import type { Results } from '../protocol/actions.ts';
import { clientError, type ParleyError } from './errors.ts';

/** A result of which nothing is known. */
export type Result = Record<string, unknown>;

/** An action that is answered by one `result`. */
export type ResultAction = keyof Results;

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
export type SubscribeResult = Results['subscribe'];

/** The fields that must be there, by action. */
const requiredFields: { readonly [Name in ResultAction]: (result: Result) => boolean } = {
  cancel: ({ cancelled, disposition }) => Array.isArray(cancelled) && disposition !== undefined,
  respond: ({ accepted, already }) => accepted === true || (isObject(already) && 'decision' in already),
  subscribe: ({ head_seq: head, oldest_seq: oldest }) => head !== undefined && typeof oldest === 'number',
  unsubscribe: () => true,
  history: ({ events, next_before_seq: next }) => Array.isArray(events) && next !== undefined,
  conversations: ({ conversations, next_cursor: next }) => Array.isArray(conversations) && next !== undefined,
  fork: ({ conversation_id: id }) => typeof id === 'string',
  delete: () => true,
  tools: ({ tools, servers }) => Array.isArray(tools) && Array.isArray(servers),
  prompts: ({ prompts, next_cursor: next }) => Array.isArray(prompts) && next !== undefined,
  get_prompt: ({ messages }) => Array.isArray(messages),
  resources: ({ resources, templates, next_cursor: next }) =>
    Array.isArray(resources) && Array.isArray(templates) && next !== undefined,
  read_resource: ({ contents }) => Array.isArray(contents),
  complete_argument: ({ values, has_more: hasMore }) => Array.isArray(values) && hasMore !== undefined,
  ping: () => true,
};

/** The result with its type; a ParleyError `unexpected_answer` if a required field is missing. */
export function readResult<Name extends ResultAction>(action: Name, result: Result): Results[Name] | ParleyError {
  return isResult(action, result)
    ? result
    : clientError('unexpected_answer', `The server's answer to "${action}" is not what it should be.`);
}

function isResult<Name extends ResultAction>(action: Name, result: Result): result is Results[Name] {
  return requiredFields[action](result);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
