/**
 * Defines the results of the actions as a client sees them, and checks the fields that callers rely on. The rest of a
 * result is trusted.
 */
import type { Results } from '../protocol/actions.ts';
import { clientError, type ParleyError } from './errors.ts';

/** An unchecked result. */
export type Result = Record<string, unknown>;

/** An action that is answered by one `result`. */
export type ResultAction = keyof Results;

/** The stopped turns. */
export type CancelResult = Results['cancel'];

/** The decision counts, or the one that came before it: a person's, or the end of the time or turn. */
export type RespondResult = Results['respond'];

/** A page of a conversation's log in seq order. `next_before_seq`: for the previous page; null at the oldest row. */
export type HistoryPage = Results['history'];

/** A page of the list, newest first. `next_cursor`: for the next page; null on the last. */
export type ConversationPage = Results['conversations'];

/** The new conversation. */
export type ForkResult = Results['fork'];

/** The tools of the MCP servers, and the state of each server. */
export type ToolList = Results['tools'];

/** A page of the MCP servers' prompts. `next_cursor`: for the next page; null on the last. */
export type PromptPage = Results['prompts'];

/** The messages of a prompt with its arguments. */
export type FilledPrompt = Results['get_prompt'];

/** A page of the MCP servers' resources, then of their templates. */
export type ResourcePage = Results['resources'];

/** The parts of a resource. */
export type ResourceContents = Results['read_resource'];

/** Suggested values of an argument. */
export type Completions = Results['complete_argument'];

/** The start of a subscription, and the state of the conversation. */
export type SubscribeResult = Results['subscribe'];

/** Checks the required fields, by action. */
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
    : clientError(
        'unexpected_answer',
        `The server's result of "${action}" lacks required fields. The server may have another version.`,
      );
}

function isResult<Name extends ResultAction>(action: Name, result: Result): result is Results[Name] {
  return requiredFields[action](result);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
