/** The client's methods that send one request and resolve with its result. */
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

/** A person's answer to an `approval_request`, or to the `elicitation_request` of an MCP server. */
export interface RespondOptions {
  /** The question's. */
  interruptId: string;
  /** `approve` or `deny` a call; `answer` a server's question, `decline` to, or `cancel`: the person has looked away. */
  decision: Payload<'respond'>['decision'];
  /** With `answer`: the form as it was filled in; must fit its `requested_schema`, else it is `invalid_request` and the question stands. */
  content?: NonNullable<Payload<'respond'>['content']>;
  /** For the model; at most 1,000 characters. */
  reason?: string;
  /** With which to make an approved call instead; must fit the tool's `input_schema`, else it is `invalid_request` and the question stands. */
  arguments?: Record<string, unknown>;
  /** Decides about the tool for the rest of the conversation: nobody is asked about it again. */
  remember?: boolean;
}

/** A page of a list, of all servers or of one; the first without a cursor. */
export interface ListRange {
  server?: string;
  cursor?: string;
  limit?: number;
}

/** What is to be completed: an argument of a prompt, or a variable of a template. */
export interface CompletionRequest {
  prompt?: string;
  uriTemplate?: string;
  argument: { name: string; value: string };
  /** Other arguments that are filled in already. */
  known?: Record<string, string>;
}

/** All promises reject with a ParleyError. About prompts and resources: `mcp_unavailable` while a server is away, `mcp_refused` for what it does not have. */
export interface Requests {
  /** Stops a turn, by default the running one of the client's own conversation. */
  cancel(conversationId?: string, target?: string): Promise<CancelResult>;
  /** Answers what a turn has asked; the first answer counts. */
  respond(conversationId: string, options: RespondOptions): Promise<RespondResult>;
  history(conversationId: string, range?: { beforeSeq?: number; limit?: number }): Promise<HistoryPage>;
  /** A page of one's own conversations, newest first; the first without a cursor. */
  conversations(range?: { cursor?: string; limit?: number }): Promise<ConversationPage>;
  /** A new conversation with all up to the end of a turn. Elsewhere it is `invalid_request`, and `data.nearest` has the seqs where it can be. */
  fork(conversationId: string, atSeq: number): Promise<ForkResult>;
  /** Ends a conversation and removes its log, whatever it is at; its turns reject with `conversation_deleted`. */
  delete(conversationId: string): Promise<void>;
  tools(): Promise<ToolList>;
  prompts(range?: ListRange): Promise<PromptPage>;
  getPrompt(server: string, name: string, args?: Record<string, string>): Promise<FilledPrompt>;
  resources(range?: ListRange): Promise<ResourcePage>;
  readResource(server: string, uri: string): Promise<ResourceContents>;
  completeArgument(server: string, completing: CompletionRequest): Promise<Completions>;
  ping(): Promise<void>;
  /** Any action that answers with one `result`. */
  request(action: string, payload?: object, options?: RequestOptions): Promise<Result>;
}

/** `ownConversationId`: of requests that name no conversation. */
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
    /** Without a target a repeat might stop the next turn, and so might a Stop that comes late. */
    cancel(conversationId = ownConversationId, target) {
      const hasTarget = target !== undefined;
      return ask('cancel', { conversation_id: conversationId, target }, { idempotent: hasTarget, retry: hasTarget });
    },
    // A repeat is harmless: it is told what was decided.
    respond: (conversationId, { interruptId, ...options }) =>
      ask('respond', { conversation_id: conversationId, interrupt_id: interruptId, ...options }),
    history: (conversationId, { beforeSeq, limit } = {}) =>
      ask('history', { conversation_id: conversationId, before_seq: beforeSeq, limit }),
    conversations: (range = {}) => ask('conversations', range),
    // A repeat would make another one.
    fork: (conversationId, atSeq) =>
      ask('fork', { conversation_id: conversationId, at_seq: atSeq }, { idempotent: false }),
    // A repeat might delete a new conversation under the same id.
    async delete(conversationId) {
      let wasRefused = false;
      const onWait = () => (wasRefused = true);
      await ask('delete', { conversation_id: conversationId }, { onWait }).catch((error: unknown) => {
        // A server that ends while it deletes cannot tell that it has: what is gone by the next try was deleted.
        if (!wasRefused || !(error instanceof ParleyError) || error.code !== 'not_found') throw error;
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
