/**
 * The one table of error codes, and the error class that carries them.
 * Expected failures travel as values (`Fault`) or frames; `AppError` is for what is thrown
 * once, with `cause`, and caught at one boundary. Nothing here may hold a stack, key or path.
 */
import type { Fault } from '../machines/log.ts';

/** Every code a client can see: whether the same request may succeed later, and what to do about it. */
export const errorCodes = {
  invalid_json: { retryable: false, remedy: 'Send one JSON object a frame.' },
  invalid_request: { retryable: false, remedy: 'Correct the field that `data.path` names.' },
  unknown_action: { retryable: false, remedy: 'Use one of the actions in `data.allowed`.' },
  unauthorized: { retryable: false, remedy: 'Connect with a token that the server knows; the message says how to send it.' },
  not_found: { retryable: false, remedy: 'Check the conversation_id; it is made by its first chat.' },
  request_id_reused: { retryable: false, remedy: 'Give every new message a request_id of its own.' },
  illegal_in_state: { retryable: true, remedy: 'Do one of `data.can`, or wait for the turn to end.' },
  overloaded: { retryable: true, remedy: 'Wait `data.retry_after_ms`, then send the same request again.' },
  shutting_down: { retryable: true, remedy: 'Reconnect shortly and send the same request again.' },
  storage_failed: { retryable: true, remedy: 'The message was not stored; send it again when the disk works.' },
  conversation_failed: { retryable: true, remedy: 'Send again: the conversation reopens from its log.' },
  conversation_unavailable: { retryable: true, remedy: 'It crashed repeatedly; wait `data.retry_after_ms`.' },
  conversation_deleted: { retryable: true, remedy: 'The conversation was deleted before this was answered; sent again, it begins a new one.' },
  recovery_failed: { retryable: false, remedy: 'The turn was lost in a restart; send the message again under a new request_id.' },
  provider_missing_key: { retryable: false, remedy: 'Set the environment variable that `data.variable` names and restart.' },
  provider_auth: { retryable: false, remedy: 'Check the API key in the variable that `data.variable` names.' },
  provider_model: { retryable: false, remedy: 'Set llm.providers.<name>.model to a model that this provider has.' },
  provider_context_length: { retryable: false, remedy: 'Lower chat.service.context.max_tokens or shorten the message.' },
  provider_request: { retryable: false, remedy: 'The provider refused the request; see the message.' },
  provider_rate_limit: { retryable: true, remedy: 'Wait, or raise the limit at the provider.' },
  provider_unreachable: { retryable: true, remedy: 'Check llm.providers.<name>.base_url and the network.' },
  provider_timeout: { retryable: true, remedy: 'Try again, or raise llm.connect_timeout, llm.first_byte_timeout or llm.stall_timeout.' },
  provider_cut: { retryable: true, remedy: 'The stream ended early; ask again.' },
  provider_failed: { retryable: true, remedy: 'The provider had a fault of its own; ask again.' },
  config_invalid: { retryable: false, remedy: 'Start-up only: correct the line of the configuration that the message names.' },
  store_unavailable: { retryable: false, remedy: 'Start-up only: the message says what is wrong with the database file.' },
  internal: { retryable: true, remedy: 'A fault of ours; the server log has the details.' },
} as const satisfies Record<string, { retryable: boolean; remedy: string }>;

export type ErrorCode = keyof typeof errorCodes;

/** The value an `error` frame or a failed `turn_end` row carries. */
export function fault(code: ErrorCode, message: string, data: Record<string, unknown> = {}): Fault {
  return { code, message, retryable: errorCodes[code].retryable, data };
}

/** A fault of ours or of start-up, thrown once and caught at one boundary. `message` is fit for people. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly data: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; data?: Record<string, unknown> } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.data = options.data ?? {};
  }
}
