/**
 * How faults travel: the value that frames and rows carry, the few that several parts tell, and the error class.
 * Expected failures travel as values (`Fault`) or frames; `AppError` is for what is thrown
 * once, with `cause`, and caught at one boundary. Nothing here may hold a stack, key or path.
 */
import type { Fault } from '../machines/log.ts';
import { errorCodes } from './error-codes.ts';

export type ErrorCode = keyof typeof errorCodes;

/** The value an `error` frame or a failed `turn_end` row carries. */
export function fault(code: ErrorCode, message: string, data: Record<string, unknown> = {}): Fault {
  return { code, message, retryable: errorCodes[code].retryable, data };
}

/** Where a fault's `data` has what its message quotes of a provider. */
export const QUOTE_KEY = 'provider_says';

/** Parley's own sentence, and behind it the words of a provider; '' for none. */
export function withQuote(own: string, says: string): string {
  return says === '' ? own : `${own}${INTRODUCTION}${says}`;
}

const INTRODUCTION = ' It says: ';

/** The message without what it quotes: Parley's own words, which hold no text of a person, a model or a provider. */
export function withoutQuote({ message, data }: Fault): string {
  const says = data[QUOTE_KEY];
  const quote = typeof says === 'string' ? `${INTRODUCTION}${says}` : '';
  return quote !== '' && message.endsWith(quote) ? message.slice(0, -quote.length) : message;
}

/** The same for a conversation that is somebody else's: nobody learns which there are. */
export function noSuchConversation(): Fault {
  return fault('not_found', 'There is no such conversation.');
}

/** From the end of a drain until the next server listens. */
const RESTART_MS = 1000;

/** The server begins no more turns. `drainMs`: how long its drain may still take. */
export function shuttingDown(drainMs = 0): Fault {
  return fault(
    'shutting_down',
    'The server is restarting and begins no new turns. Send the same request again over the next connection.',
    { retry_after_ms: drainMs + RESTART_MS },
  );
}

/** What was thrown, in words for logs and people. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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

/**
 * The fault of a client's request when the log could not be read: `shutting_down` if the server has closed the log,
 * else `internal`, which the server logs as well.
 */
export function readFault(error: unknown): Fault {
  const isClosed = error instanceof AppError && error.code === 'shutting_down';
  return isClosed ? shuttingDown() : fault('internal', 'The log could not be read. Send the same request again.');
}
