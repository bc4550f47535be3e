/**
 * Defines errors: faults, which frames and rows carry, and AppError, which is thrown. Expected failures are values (`Fault`).
 * `AppError` is thrown once, with `cause`, and caught at one boundary. Neither may hold a stack, a key or a path.
 */
import type { Fault } from '../machines/log.ts';
import { errorCodes } from './error-codes.ts';

/** A code of the catalogue in error-codes.ts. */
export type ErrorCode = keyof typeof errorCodes;

/** The value of an `error` frame or a failed `turn_end` row. */
export function fault(code: ErrorCode, message: string, data: Record<string, unknown> = {}): Fault {
  return { code, message, retryable: errorCodes[code].retryable, data };
}

/** The key of a fault's `data` that holds the quoted message of a provider. */
export const QUOTE_KEY = 'provider_says';

/** Parley's own sentence, followed by the message of a provider; '' for none. */
export function withQuote(own: string, says: string): string {
  return says === '' ? own : `${own}${INTRODUCTION}${says}`;
}

const INTRODUCTION = ' It says: ';

/** The message without its quote: Parley's own text, which holds no content of people, models or providers. */
export function withoutQuote({ message, data }: Fault): string {
  const says = data[QUOTE_KEY];
  const quote = typeof says === 'string' ? `${INTRODUCTION}${says}` : '';
  return quote !== '' && message.endsWith(quote) ? message.slice(0, -quote.length) : message;
}

/** The fault for an unknown conversation. The same for a foreign one, so that a client cannot probe for ids. */
export function noSuchConversation(): Fault {
  return fault('not_found', 'The conversation does not exist. Check its id.');
}

/** Time from the end of a drain until the next server listens. */
const RESTART_MS = 1000;

/** The fault during a drain. `drainMs`: how long the drain may still take. */
export function shuttingDown(drainMs = 0): Fault {
  return fault(
    'shutting_down',
    'The server is restarting and starts no new turns. Send the same request again on the next connection.',
    { retry_after_ms: drainMs + RESTART_MS },
  );
}

/** The message of a thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An internal error, or an error of the start. `message` is fit for people. */
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

/**
 * The fault of a client's request when the log could not be read: `shutting_down` if the server has closed the log,
 * `overloaded` if too many reads wait, else `internal`, which the server logs as well.
 */
export function readFault(error: unknown): Fault {
  if (error instanceof AppError && error.code === 'overloaded') return fault(error.code, error.message, error.data);
  const isClosed = error instanceof AppError && error.code === 'shutting_down';
  return isClosed ? shuttingDown() : fault('internal', 'The log could not be read. Send the same request again.');
}
