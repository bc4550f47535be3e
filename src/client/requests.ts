/** Implements the client's methods that send one request and resolve with its result. */
import type { Payload } from '../protocol/actions.ts';
import { ParleyError } from './errors.ts';
import type { RequestOptions } from './request.ts';
import {
  readResult,
  type CancelResult,
  type Completions,
  type ConversationPage,
  type FilledPrompt,
  type ForkResult,
  type HistoryPage,
  type PromptPage,
  type ResourceContents,
  type ResourcePage,
  type RespondResult,
  type Result,
  type ResultAction,
  type ToolList,
} from './results.ts';

/** A person's response to an `approval_request`, or to the `elicitation_request` of an MCP server. */
export interface RespondOptions {
  /** The id of the question. */
  interruptId: string;
  /** For a call: `approve` or `deny`. For a server's question: `answer`, `decline`, or `cancel` if the person dismissed it. */
  decision: Payload<'respond'>['decision'];
  /** With `answer`: the values of the form. If they do not match its `requested_schema`, the error is `invalid_request` and the question stays open. */
  content?: NonNullable<Payload<'respond'>['content']>;
  /** For the model; at most 1,000 characters. */
  reason?: string;
  /** With `approve`: replace the call's arguments. If they do not match the tool's `input_schema`, the error is `invalid_request` and the question stays open. */
  arguments?: Record<string, unknown>;
  /** The decision applies to the tool for the rest of the conversation. */
  remember?: boolean;
}

/** A page of a list. `server`: only entries of this server. Without a cursor: the first page. */
export interface ListRange {
  server?: string;
  cursor?: string;
  limit?: number;
}

/** The value to complete: an argument of a prompt, or a variable of a template. */
export interface CompletionRequest {
  prompt?: string;
  uriTemplate?: string;
  argument: { name: string; value: string };
  /** Values of other arguments. */
  known?: Record<string, string>;
}

/** All promises reject with a ParleyError. For prompts and resources: `mcp_unavailable` if the server is away, `mcp_refused` if it does not have them. */
export interface Requests {
  /** Cancels a turn. Default: the running turn of the client's own conversation. */
  cancel(conversationId?: string, target?: string): Promise<CancelResult>;
  /** Responds to a question of a turn. The first response counts. */
  respond(conversationId: string, options: RespondOptions): Promise<RespondResult>;
  history(conversationId: string, range?: { beforeSeq?: number; limit?: number }): Promise<HistoryPage>;
  /** A page of the subject's conversations, newest first. Without a cursor: the first page. */
  conversations(range?: { cursor?: string; limit?: number }): Promise<ConversationPage>;
  /** Creates a conversation from the rows up to the end of a turn. For another row: `invalid_request`, with the possible seqs in `data.nearest`. */
  fork(conversationId: string, atSeq: number): Promise<ForkResult>;
  /** Deletes a conversation and its log, in any state. Its turns reject with `conversation_deleted`. */
  delete(conversationId: string): Promise<void>;
  tools(): Promise<ToolList>;
  prompts(range?: ListRange): Promise<PromptPage>;
  getPrompt(server: string, name: string, args?: Record<string, string>): Promise<FilledPrompt>;
  resources(range?: ListRange): Promise<ResourcePage>;
  readResource(server: string, uri: string): Promise<ResourceContents>;
  completeArgument(server: string, completing: CompletionRequest): Promise<Completions>;
  ping(): Promise<void>;
  /** Sends any action that has one `result`. */
  request(action: string, payload?: object, options?: RequestOptions): Promise<Result>;
}

/** `ownConversationId`: the default of `cancel`. */
export function createRequests(request: Requests['request'], ownConversationId: string): Requests {
  async function ask<Name extends ResultAction>(
    action: Name,
    payload: { [Field in keyof Payload<Name>]?: unknown },
    options: RequestOptions = { idempotent: true },
  ) {
    const result = readResult(action, await request(action, payload, options));
    if (result instanceof ParleyError) throw result;
    return result;
  }

  return {
    // Without a target, a repeated or late cancel might stop the next turn.
    cancel(conversationId = ownConversationId, target) {
      const hasTarget = target !== undefined;
      return ask('cancel', { conversation_id: conversationId, target }, { idempotent: hasTarget, retry: hasTarget });
    },
    // Idempotent: a repetition gets the decision that counts.
    respond: (conversationId, { interruptId, ...options }) =>
      ask('respond', { conversation_id: conversationId, interrupt_id: interruptId, ...options }),
    history: (conversationId, { beforeSeq, limit } = {}) =>
      ask('history', { conversation_id: conversationId, before_seq: beforeSeq, limit }),
    conversations: (range = {}) => ask('conversations', range),
    // A repetition would create another fork.
    fork: (conversationId, atSeq) =>
      ask('fork', { conversation_id: conversationId, at_seq: atSeq }, { idempotent: false }),
    // A repetition might delete a new conversation with the same id.
    async delete(conversationId) {
      let wasRejected = false;
      const onWait = () => (wasRejected = true);
      await ask('delete', { conversation_id: conversationId }, { onWait }).catch((error: unknown) => {
        // A server that stops during the deletion cannot confirm it. If the next try finds nothing, it was deleted.
        if (!wasRejected || !(error instanceof ParleyError) || error.code !== 'not_found') throw error;
      });
    },
    tools: () => ask('tools', {}),
    prompts: (range = {}) => ask('prompts', range),
    getPrompt: (server, name, args = {}) => ask('get_prompt', { server, name, arguments: args }),
    resources: (range = {}) => ask('resources', range),
    readResource: (server, uri) => ask('read_resource', { server, uri }),
    completeArgument: (server, { uriTemplate, ...completing }) =>
      ask('complete_argument', { server, uri_template: uriTemplate, ...completing }),
    async ping() {
      await ask('ping', {});
    },
    request,
  };
}
