/**
 * Builds faults, and defines AppError. Expected failures are values (`Fault`), which frames and rows contain. `AppError`
 * is thrown once, with `cause`, and caught at one boundary. No fault may contain a stack, key or path.
 */
import type { Fault } from '../machines/log.ts';
import { errorCodes } from './error-codes.ts';

export type ErrorCode = keyof typeof errorCodes;

/** The value in an `error` frame or a failed `turn_end` row. */
export function fault(code: ErrorCode, message: string, data: Record<string, unknown> = {}): Fault {
  return { code, message, retryable: errorCodes[code].retryable, data };
}

/** The key of `data` with the provider's text that the message quotes. */
export const QUOTED = 'provider_says';

/** Parley's sentence, followed by the text of a provider; '' if none. */
export function quoting(own: string, says: string): string {
  return says === '' ? own : `${own}${INTRODUCTION}${says}`;
}

const INTRODUCTION = ' It says: ';

/** The message without the quoted text of a provider. */
export function ownWords({ message, data }: Fault): string {
  const says = data[QUOTED];
  const quote = typeof says === 'string' ? `${INTRODUCTION}${says}` : '';
  return quote !== '' && message.endsWith(quote) ? message.slice(0, -quote.length) : message;
}

/** Also used for conversations of other subjects, so that clients cannot find out which exist. */
export function noSuchConversation(): Fault {
  return fault('not_found', 'This conversation does not exist. Check its id.');
}

/** Time from the end of a drain until the next server listens. */
const RESTART_MS = 1000;

/** The server starts no new turns. `drainMs`: remaining time of the drain. */
export function shuttingDown(drainMs = 0): Fault {
  return fault(
    'shutting_down',
    'The server is restarting and starts no new turns. Send the same request again on the next connection.',
    { retry_after_ms: drainMs + RESTART_MS },
  );
}

/** The message of a thrown value, for logs and people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error that is thrown once and caught at one boundary. `message` is for people. */
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
