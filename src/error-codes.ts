/**
 * Lists every error code with its cause and remedy. docs/protocol.md is generated from it. For the codes that the
 * charts use, the compiler checks that both agree on `retryable`.
 */
import type { FaultCode, retryableFaults } from '../machines/faults.ts';

/** The keys of a fault's `data`, for programs. */
export const faultData = {
  path: 'path of the invalid field, with dots',
  nearest: 'the nearest rows at which a fork is possible',
  allowed: 'all actions',
  can: 'the actions that are possible now',
  retry_after_ms: 'time to wait, in ms',
  provider: 'the name of the provider',
  model: 'the requested model',
  status: "the provider's HTTP status",
  provider_says: 'the part of the message that quotes the provider',
  variable: 'the environment variable of the API key',
  server: 'the name of the MCP server',
  budget: 'the exhausted key of chat.service.budget',
  limit: 'the limit of that budget',
  used: 'the amount used',
} as const;

/** Describes a code for people. */
export interface ErrorEntry {
  /** Whether the same request may succeed later. */
  retryable: boolean;
  cause: string;
  remedy: string;
  /** The keys that `data` may have. */
  data?: readonly (keyof typeof faultData)[];
}

const ofProvider = ['provider', 'model', 'status', 'retry_after_ms', 'provider_says'] as const;

/** All codes. */
export const errorCodes = {
  invalid_json: {
    retryable: false,
    cause: 'The frame is not JSON.',
    remedy: 'Send one JSON object in each frame.',
  },
  invalid_request: {
    retryable: false,
    cause: 'A field of the request is missing, invalid, or does not match the conversation or tool.',
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
      'The server requires a token. The handshake had no known token, or the token was removed while the socket was open.',
    remedy: 'Connect with a valid token. The message says how to send it.',
  },
  not_found: {
    retryable: false,
    cause:
      'The conversation does not exist or belongs to another subject, or it has no question with that interrupt_id.',
    remedy: 'Check the ids. The first chat creates a conversation.',
  },
  request_id_reused: {
    retryable: false,
    cause: 'Another message of the conversation has this request_id.',
    remedy: 'Use a new request_id for every new message.',
  },
  illegal_in_state: {
    retryable: true,
    cause: 'A turn is running, and the chat has `mode: reject` or `rewind_to`.',
    remedy: 'Use an action in `data.can`, or wait for the end of the turn.',
    data: ['can'],
  },
  overloaded: {
    retryable: true,
    cause:
      'A limit of the server is reached: queued messages, conversations in memory, or writes that wait for the disk.',
    remedy: 'Wait `data.retry_after_ms`, then send the same request again.',
    data: ['retry_after_ms'],
  },
  shutting_down: {
    retryable: true,
    cause: 'The server is shutting down. It finishes running turns and starts no new ones.',
    remedy: 'Send the same request again on the next connection, or after `data.retry_after_ms`.',
    data: ['retry_after_ms'],
  },
  storage_failed: {
    retryable: true,
    cause: 'The database could not be written: the disk is full or fails, or another program locks the database.',
    remedy: 'Send the request again when the disk works. Nothing was stored.',
  },
  conversation_failed: {
    retryable: true,
    cause: 'An internal error or a disk error stopped the conversation. Its committed rows are kept.',
    remedy: 'Send the request again. The conversation is restored from its log.',
  },
  conversation_unavailable: {
    retryable: true,
    cause: 'The conversation failed repeatedly and is unavailable for a cooldown time.',
    remedy: 'Wait `data.retry_after_ms`, then send the request again.',
    data: ['retry_after_ms'],
  },
  conversation_deleted: {
    retryable: false,
    cause: 'The conversation was deleted while the request was pending.',
    remedy: 'Do not repeat the request. A chat with this conversation_id starts a new conversation.',
  },
  budget_exceeded: {
    retryable: false,
    cause: 'The turn or the conversation has used up its budget of tokens or cost before another request to the model.',
    remedy: 'Ask for less, start a new conversation, or raise the key of chat.service.budget that `data.budget` names.',
    data: ['budget', 'limit', 'used'],
  },
  recovery_failed: {
    retryable: false,
    cause:
      'A restart interrupted the turn, and it was not resumed: it had too many attempts, was too old, or recovery is disabled.',
    remedy: 'Send the message again with a new request_id.',
  },
  provider_missing_key: {
    retryable: false,
    cause: 'Only at start: the selected provider needs an API key, but none is set.',
    remedy: 'Set the environment variable that `data.variable` names, and restart.',
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
    cause: 'The provider does not offer the model.',
    remedy: 'Set llm.providers.<name>.model to a model of this provider.',
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
    cause: 'The provider rejects the request for another reason, such as an exhausted quota or an unknown parameter.',
    remedy: 'Follow the message. It quotes the provider.',
    data: ofProvider,
  },
  provider_rate_limit: {
    retryable: true,
    cause: 'The rate limit of the provider is reached, also after retries.',
    remedy: 'Wait, or get a higher limit from the provider.',
    data: ofProvider,
  },
  provider_unavailable: {
    retryable: true,
    cause: 'The provider failed repeatedly, so its circuit breaker is open.',
    remedy: 'Wait `data.retry_after_ms`, or add another provider to llm.fallback.',
    data: ['provider', 'model', 'retry_after_ms'],
  },
  provider_busy: {
    retryable: true,
    cause: 'The request waited too long in the queue for the provider, whose configured limits are reached.',
    remedy: 'Try again later, or raise llm.providers.<name>.max_concurrent or requests_per_minute.',
    data: ['provider', 'model'],
  },
  provider_unreachable: {
    retryable: true,
    cause: 'The server cannot connect to the provider.',
    remedy: 'Check llm.providers.<name>.base_url and the network.',
    data: ofProvider,
  },
  provider_timeout: {
    retryable: true,
    cause: 'The provider did not answer in time, or stopped in the middle of an answer.',
    remedy: 'Try again, or raise llm.connect_timeout, llm.first_byte_timeout or llm.stall_timeout.',
    data: ofProvider,
  },
  provider_cut: {
    retryable: true,
    cause: 'The provider closed the stream in the middle of an answer.',
    remedy: 'Send the message again.',
    data: ofProvider,
  },
  provider_failed: {
    retryable: true,
    cause: 'The provider returned an internal error or an invalid answer.',
    remedy: 'Send the message again.',
    data: ofProvider,
  },
  mcp_unavailable: {
    retryable: true,
    cause: 'The MCP server is not available, or did not answer in time.',
    remedy: 'Try again. `tools` lists the state of each server. `data.server` names this one.',
    data: ['server'],
  },
  mcp_refused: {
    retryable: false,
    cause: 'The MCP server does not have the prompt or resource, or rejects the arguments.',
    remedy: 'Follow the message. It quotes the server that `data.server` names.',
    data: ['server'],
  },
  config_invalid: {
    retryable: false,
    cause: 'Only at start: the configuration is invalid, or the server cannot listen on the address.',
    remedy: 'Correct the line of the configuration that the message names.',
  },
  store_unavailable: {
    retryable: false,
    cause: 'Only at start: the database cannot be opened. It is locked, damaged, read-only or of a newer version.',
    remedy: 'Follow the message about the database file.',
  },
  internal: {
    retryable: true,
    cause: 'An internal error. It affects only this request.',
    remedy: 'Send the request again. The server log has the details.',
  },
} as const satisfies { [Code in FaultCode]: ErrorEntry & { retryable: (typeof retryableFaults)[Code] } } & Record<
  string,
  ErrorEntry
>;
