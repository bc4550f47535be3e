/**
 * The one table of error codes: what each means, and what to do about it. docs/protocol.md is written from it.
 * The compiler holds it to say the same as the charts of the faults that they find themselves.
 */
import type { FaultCode, retryableFaults } from '../machines/faults.ts';

/** What a fault may have to say in `data`, for programs. */
export const faultData = {
  path: 'the way to the field that is wrong, with dots',
  nearest: 'the rows next to it at which a fork can be made',
  allowed: 'all actions',
  can: 'the actions that the conversation takes now',
  retry_after_ms: 'how long to wait, in ms',
  provider: 'the name of the provider',
  model: 'the model that was asked',
  status: "the provider's HTTP status",
  provider_says: "the provider's own words, as far as the message quotes them",
  variable: 'the environment variable of the API key',
  server: 'the name of the MCP server',
  budget: 'the key of chat.service.budget that is used up',
  limit: 'what that budget allows',
  used: 'what was used of it',
} as const;

/** What a code means: a line of cause and one of remedy, for people. */
export interface ErrorEntry {
  /** Whether the same request may succeed later. */
  retryable: boolean;
  cause: string;
  remedy: string;
  /** Keys that its `data` may have. */
  data?: readonly (keyof typeof faultData)[];
}

const ofProvider = ['provider', 'model', 'status', 'retry_after_ms', 'provider_says'] as const;

/** Every code that there is. */
export const errorCodes = {
  invalid_json: {
    retryable: false,
    cause: 'The frame is not JSON.',
    remedy: 'Send one JSON object a frame.',
  },
  invalid_request: {
    retryable: false,
    cause: 'A field of the request is missing, is not as expected, or does not fit what it is about.',
    remedy: 'Correct the field that `data.path` names.',
    data: ['path', 'nearest'],
  },
  unknown_action: {
    retryable: false,
    cause: 'There is no such action.',
    remedy: 'Use one of the actions in `data.allowed`.',
    data: ['allowed'],
  },
  unauthorized: {
    retryable: false,
    cause:
      'The server asks for a token. None that it knows came with the handshake, or the token was removed while the socket was open.',
    remedy: 'Connect with a token that the server knows; the message says how to send it.',
  },
  not_found: {
    retryable: false,
    cause:
      "There is no such conversation, or it is another subject's; or nothing of that interrupt_id was asked in it.",
    remedy: 'Check the ids; a conversation is made by its first chat.',
  },
  request_id_reused: {
    retryable: false,
    cause: 'The request_id belongs to another message of the conversation.',
    remedy: 'Give every new message a request_id of its own.',
  },
  illegal_in_state: {
    retryable: true,
    cause: 'A turn runs, and the chat was to be refused then or goes back behind it.',
    remedy: 'Do one of `data.can`, or wait for the turn to end.',
    data: ['can'],
  },
  overloaded: {
    retryable: true,
    cause:
      'A limit of the server is reached: messages in a queue, conversations in memory, appends or forks that wait for the disk.',
    remedy: 'Wait `data.retry_after_ms`, then send the same request again.',
    data: ['retry_after_ms'],
  },
  shutting_down: {
    retryable: true,
    cause: 'The server drains: it ends the turns that run and begins no others.',
    remedy: 'Send the same request again over the next connection, or after `data.retry_after_ms`.',
    data: ['retry_after_ms'],
  },
  storage_failed: {
    retryable: true,
    cause:
      'The event log cannot be written. `data.problem`: `full`, `locked` (by another program), `read_only`, `moved` (also replaced or deleted), `disk`, `other`.',
    remedy: 'Mend what the message names, then send again: nothing was stored.',
    data: ['problem'],
  },
  conversation_failed: {
    retryable: true,
    cause: 'A fault of ours or of the disk ended the conversation; what it had committed is kept.',
    remedy: 'Send again: the conversation reopens from its log.',
  },
  conversation_unavailable: {
    retryable: true,
    cause: 'The conversation has failed repeatedly and is closed until it has cooled down.',
    remedy: 'Wait `data.retry_after_ms`, then send again.',
    data: ['retry_after_ms'],
  },
  conversation_deleted: {
    retryable: false,
    cause: 'The conversation was deleted while the request waited in it.',
    remedy: 'Leave it at that; a chat under this conversation_id begins a new conversation.',
  },
  budget_exceeded: {
    retryable: false,
    cause:
      'The turn, or the conversation, has used up its budget of tokens or cost, and the model would have to be asked again.',
    remedy:
      'Ask for less at once or begin a new conversation, or raise the key of chat.service.budget that `data.budget` names.',
    data: ['budget', 'limit', 'used'],
  },
  recovery_failed: {
    retryable: false,
    cause: 'A restart cut the turn off, and it was not taken up again: too often, too old, or not wanted.',
    remedy: 'Send the message again under a new request_id.',
  },
  provider_missing_key: {
    retryable: false,
    cause: 'Start-up only: the provider that is to be used needs an API key, and there is none.',
    remedy: 'Set the environment variable that `data.variable` names and restart.',
    data: ['provider', 'variable'],
  },
  provider_auth: {
    retryable: false,
    cause: 'The provider refuses the API key, or wants one.',
    remedy: 'Check the API key in the variable that `data.variable` names.',
    data: [...ofProvider, 'variable'],
  },
  provider_model: {
    retryable: false,
    cause: 'The provider does not offer the model.',
    remedy: 'Set llm.providers.<name>.model to a model that this provider has.',
    data: ofProvider,
  },
  provider_context_length: {
    retryable: false,
    cause: 'The conversation is too long for the model.',
    remedy: 'Lower chat.service.context.max_tokens or shorten the message.',
    data: ofProvider,
  },
  provider_request: {
    retryable: false,
    cause:
      'The provider refuses the request for another reason, such as a spent quota or a parameter that it does not know.',
    remedy: 'Do what the message says, which quotes the provider.',
    data: ofProvider,
  },
  provider_rate_limit: {
    retryable: true,
    cause: 'The provider limits the rate of requests, and went on doing so.',
    remedy: 'Wait, or raise the limit at the provider.',
    data: ofProvider,
  },
  provider_unavailable: {
    retryable: true,
    cause: 'The provider has failed so often that it is not asked for a while.',
    remedy: 'Wait `data.retry_after_ms`, or name another provider in llm.fallback.',
    data: ['provider', 'model', 'retry_after_ms'],
  },
  provider_busy: {
    retryable: true,
    cause: 'The limits that the configuration sets for the provider left no room for the request for too long.',
    remedy: 'Try again later, or raise llm.providers.<name>.max_concurrent or requests_per_minute.',
    data: ['provider', 'model'],
  },
  provider_unreachable: {
    retryable: true,
    cause: 'Nobody answers at the address of the provider.',
    remedy: 'Check llm.providers.<name>.base_url and the network.',
    data: ofProvider,
  },
  provider_timeout: {
    retryable: true,
    cause: 'The provider took too long to answer, or fell silent in the middle.',
    remedy: 'Try again, or raise llm.connect_timeout, llm.first_byte_timeout or llm.stall_timeout.',
    data: ofProvider,
  },
  provider_cut: {
    retryable: true,
    cause: 'The provider ended the stream in the middle of an answer.',
    remedy: 'Ask again.',
    data: ofProvider,
  },
  provider_failed: {
    retryable: true,
    cause: 'The provider answered with a fault of its own, or with what is no answer.',
    remedy: 'Ask again.',
    data: ofProvider,
  },
  mcp_unavailable: {
    retryable: true,
    cause: 'The MCP server that was asked is away, or did not answer in time.',
    remedy: 'Try again; `tools` tells how each server stands, and `data.server` names this one.',
    data: ['server'],
  },
  mcp_refused: {
    retryable: false,
    cause: 'The MCP server has no such prompt or resource, or does not take what it was asked with.',
    remedy: 'Do what the message says, which quotes the server that `data.server` names.',
    data: ['server'],
  },
  config_invalid: {
    retryable: false,
    cause: 'Start-up only: the configuration is wrong, or its address cannot be had.',
    remedy: 'Correct the line of the configuration that the message names.',
  },
  store_unavailable: {
    retryable: false,
    cause: 'Start-up only: the database cannot be opened: it is locked, damaged, read-only or of a newer version.',
    remedy: 'Do what the message says about the database file.',
  },
  internal: {
    retryable: true,
    cause: 'A fault of ours that touched this request alone.',
    remedy: 'Send again; the server log has the details.',
  },
} as const satisfies { [Code in FaultCode]: ErrorEntry & { retryable: (typeof retryableFaults)[Code] } } & Record<
  string,
  ErrorEntry
>;
