/**
 * Lists all error codes with cause and remedy. docs/reference/protocol.md is generated from it. The compiler checks that `retryable`
 * agrees with the faults of the charts.
 */
import type { FaultCode, retryableFaults } from '../machines/faults.ts';

/** The keys of a fault's `data`, for programs. */
export const faultData = {
  path: 'the path of the wrong field, with dots',
  nearest: 'the nearest rows at which a fork can be made',
  allowed: 'all actions',
  can: 'the actions that the conversation accepts now',
  retry_after_ms: 'how long to wait, in ms',
  provider: 'the name of the provider',
  model: 'the requested model',
  status: "the provider's HTTP status",
  context_tokens: 'the most tokens that the model takes, as the provider says',
  request_tokens: 'the tokens of the request, as the provider says',
  provider_says: "the provider's own message, as far as the fault's message quotes it",
  variable: 'the environment variable of the API key',
  server: 'the name of the MCP server',
  budget: 'the exhausted key of chat.service.budget',
  quota: 'the exhausted key of quota',
  limit: 'the limit of that budget or quota',
  used: 'the amount used',
  problem: 'why the event log cannot be written',
} as const;

/** The meaning of a code, for people. */
export interface ErrorEntry {
  /** Whether the same request may succeed later. */
  retryable: boolean;
  cause: string;
  remedy: string;
  /** Possible keys of `data`. */
  data?: readonly (keyof typeof faultData)[];
}

const ofProvider = ['provider', 'model', 'status', 'retry_after_ms', 'provider_says'] as const;

/** All error codes. */
export const errorCodes = {
  invalid_json: {
    retryable: false,
    cause: 'The frame is not JSON.',
    remedy: 'Send one JSON object in each frame.',
  },
  invalid_request: {
    retryable: false,
    cause: 'A field of the request is missing, has a wrong value, or does not fit the conversation.',
    remedy: 'Correct the field that `data.path` names.',
    data: ['path', 'nearest'],
  },
  unknown_action: {
    retryable: false,
    cause: 'The action does not exist.',
    remedy: 'Use one of the actions in `data.allowed`.',
    data: ['allowed'],
  },
  unauthorized: {
    retryable: false,
    cause:
      'The server requires a token. The handshake had no valid token, or the token was removed while the socket was open.',
    remedy: 'Connect with a token that the server knows; the message says how to send it.',
  },
  not_found: {
    retryable: false,
    cause:
      'The conversation does not exist or belongs to another subject, or it has no interrupt with that interrupt_id.',
    remedy: 'Check the ids. The first chat creates a conversation.',
  },
  request_id_reused: {
    retryable: false,
    cause: 'Another message of the conversation has this request_id.',
    remedy: 'Use a new request_id for every new message.',
  },
  illegal_in_state: {
    retryable: true,
    cause: 'A turn is running, and the chat has `mode: reject` or rewinds to a row before it.',
    remedy: 'Do one of `data.can`, or wait for the turn to end.',
    data: ['can'],
  },
  overloaded: {
    retryable: true,
    cause: 'A limit of the server is reached: queued messages, reads, writes or forks, or conversations in memory.',
    remedy: 'Wait `data.retry_after_ms`, then send the same request again.',
    data: ['retry_after_ms'],
  },
  quota_exceeded: {
    retryable: true,
    cause:
      'The subject has used up a quota: turns, tokens, cost, forks, conversations, stored bytes, or conversations in memory.',
    remedy: 'Wait `data.retry_after_ms`. Without it, delete conversations or let them become idle. Nothing was done.',
    data: ['quota', 'limit', 'used', 'retry_after_ms'],
  },
  shutting_down: {
    retryable: true,
    cause: 'The server is draining: it finishes running turns and begins no new ones.',
    remedy: 'Send the same request again over the next connection, or after `data.retry_after_ms`.',
    data: ['retry_after_ms'],
  },
  storage_failed: {
    retryable: true,
    cause:
      'The event log cannot be written. `data.problem`: `full`, `locked`, `read_only`, `moved`, `disk` or `other`.',
    remedy: 'Repair what the message names, then send the same request again. Nothing was stored.',
    data: ['problem'],
  },
  conversation_failed: {
    retryable: true,
    cause: 'An internal error or a disk error stopped the conversation. Committed rows are kept.',
    remedy: 'Send again. The conversation reopens from its log.',
  },
  conversation_unavailable: {
    retryable: true,
    cause: 'The conversation failed repeatedly and stays closed for a while.',
    remedy: 'Wait `data.retry_after_ms`, then send again.',
    data: ['retry_after_ms'],
  },
  conversation_deleted: {
    retryable: false,
    cause: 'The conversation was deleted while the request was queued.',
    remedy: 'None. A chat with this conversation_id begins a new conversation.',
  },
  budget_exceeded: {
    retryable: false,
    cause:
      'The turn, or the conversation, has used up its budget of tokens or cost and needs another request to the model.',
    remedy: 'Ask for less, begin a new conversation, or raise the key of chat.service.budget that `data.budget` names.',
    data: ['budget', 'limit', 'used'],
  },
  answer_timeout: {
    retryable: false,
    cause: 'The model did not end its answer within llm.max_answer_time. The text so far is kept.',
    remedy: 'Ask for less, or raise llm.max_answer_time.',
    data: ['provider'],
  },
  turn_timeout: {
    retryable: false,
    cause: 'The turn did not end within chat.service.max_turn_time. What it has written so far is kept.',
    remedy: 'Ask for less, or raise chat.service.max_turn_time.',
  },
  recovery_failed: {
    retryable: false,
    cause:
      'A restart interrupted the turn, and it was not resumed: after too many restarts, too late, or by `recovery.mode`.',
    remedy: 'Send the message again under a new request_id.',
  },
  provider_missing_key: {
    retryable: false,
    cause:
      'Only at the start: the configured provider needs an API key, and none is set, or it has an invalid character.',
    remedy: 'Set the environment variable that `data.variable` names and restart.',
    data: ['provider', 'variable'],
  },
  provider_auth: {
    retryable: false,
    cause: 'The provider rejects the API key, or requires one.',
    remedy: 'Check the API key in the variable that `data.variable` names.',
    data: [...ofProvider, 'variable'],
  },
  provider_model: {
    retryable: false,
    cause: 'The provider does not offer the model, or not to this account.',
    remedy: 'Set llm.providers.<name>.model to a model of this provider.',
    data: ofProvider,
  },
  provider_context_length: {
    retryable: false,
    cause: 'The request is too long for the model: its tools, system prompt, messages and answer together.',
    remedy: 'Follow the message, which names the largest part, or lower chat.service.context.max_tokens.',
    data: [...ofProvider, 'context_tokens', 'request_tokens'],
  },
  provider_content_filter: {
    retryable: false,
    cause: "The provider's content filter refuses the request. The turn is left out of later requests.",
    remedy: 'Send another message. If that is refused too, replace an earlier one with `rewind_to`.',
    data: ofProvider,
  },
  provider_request: {
    retryable: false,
    cause:
      'The provider rejects the request for another reason, such as a spent quota, an unknown parameter, a region or a wrong path.',
    remedy: 'Follow the message, which quotes the provider.',
    data: ofProvider,
  },
  provider_rate_limit: {
    retryable: true,
    cause: 'The provider limits the rate of requests, also after retries.',
    remedy: 'Wait, or raise the limit at the provider.',
    data: ofProvider,
  },
  provider_unavailable: {
    retryable: true,
    cause: 'The provider failed repeatedly and is not asked for a while.',
    remedy: 'Wait `data.retry_after_ms`, or name another provider in llm.fallback.',
    data: ['provider', 'model', 'retry_after_ms'],
  },
  provider_busy: {
    retryable: true,
    cause: 'The request was queued for too long, because the provider is at its configured limits.',
    remedy: 'Try again later, or raise llm.providers.<name>.max_concurrent or requests_per_minute.',
    data: ['provider', 'model'],
  },
  provider_unreachable: {
    retryable: true,
    cause: 'No server answers at the address of the provider.',
    remedy: 'Check llm.providers.<name>.base_url and the network.',
    data: ofProvider,
  },
  provider_timeout: {
    retryable: true,
    cause: 'The provider took too long to answer, or stopped sending in the middle of an answer.',
    remedy: 'Try again, or raise llm.connect_timeout, llm.first_byte_timeout or llm.stall_timeout.',
    data: ofProvider,
  },
  provider_cut: {
    retryable: true,
    cause: 'The provider ended the stream in the middle of an answer.',
    remedy: 'Try again.',
    data: ofProvider,
  },
  provider_failed: {
    retryable: true,
    cause: 'The provider had an internal error, or sent invalid data.',
    remedy: 'Try again.',
    data: ofProvider,
  },
  provider_empty: {
    retryable: true,
    cause: 'The model sent no text and no tool call, also when it was asked once more.',
    remedy: 'Try again, ask in other words, or choose another model.',
    data: ['provider', 'model'],
  },
  mcp_unavailable: {
    retryable: true,
    cause: 'The MCP server is not connected, or did not answer in time.',
    remedy: 'Try again. `tools` has the state of each server, and `data.server` names this one.',
    data: ['server'],
  },
  mcp_refused: {
    retryable: false,
    cause: 'The MCP server has no such prompt or resource, or rejects the arguments.',
    remedy: 'Follow the message, which quotes the server that `data.server` names.',
    data: ['server'],
  },
  config_invalid: {
    retryable: false,
    cause: 'Only at the start: the configuration is wrong, or the server cannot listen at its address.',
    remedy: 'Correct the line of the configuration that the message names.',
  },
  store_unavailable: {
    retryable: false,
    cause: 'Only at the start: the database cannot be opened. It is locked, damaged, read-only or of a newer version.',
    remedy: 'Follow the message about the database file.',
  },
  internal: {
    retryable: true,
    cause: 'An internal error of this request.',
    remedy: 'Send again. The server log has the details.',
  },
} as const satisfies { [Code in FaultCode]: ErrorEntry & { retryable: (typeof retryableFaults)[Code] } } & Record<
  string,
  ErrorEntry
>;
