/**
 * Defines the error of the client's promises: faults of the server, unchanged, and faults of the client. The server's
 * codes are in docs/reference/protocol.md.
 */
import type { Fault } from '../../machines/log.ts';
import type { Frame } from '../protocol/frames.ts';

/** The codes of the client. True if the same request may succeed later. */
const clientFaults = {
  /** The client was closed, or the server closed the connection with a final code. `data` has the close code and reason. */
  connection_closed: false,
  /** The URL is not a WebSocket URL, or the token contains invalid characters. */
  invalid_options: false,
  /** `reconnect.attempts` connections were lost in a row. `data` has the last close code and reason. */
  unreachable: true,
  /** The socket was lost before the response, and the request is not idempotent. */
  connection_lost: true,
  /** No response within `requestTimeoutMs`. */
  timed_out: true,
  /** Too many requests are pending. */
  too_many_open: true,
  /** A chat with this request id in this conversation is pending already, or the conversation has a subscription. */
  already_open: false,
  /** The request cannot be written as JSON: it contains a BigInt or a cycle. */
  unsendable: false,
  /** Cancelled before the server accepted it. */
  aborted: false,
  /** Too many frames arrived while the iterator was not read. */
  reader_too_slow: true,
  /** Frames are missing, or a result lacks required fields. */
  unexpected_answer: false,
} as const;

/** A code that only the client raises. */
export type ClientErrorCode = keyof typeof clientFaults;

/** `metadata` of the `error` that ends a turn. */
type FailedTurn = NonNullable<Extract<Frame, { status: 'error' }>['metadata']>;

/** A fault of the server or the client. `message` is for people. */
export class ParleyError extends Error {
  override readonly name = 'ParleyError';
  /** A `ClientErrorCode`, or a code of the server. */
  readonly code: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  readonly data: Readonly<Record<string, unknown>>;
  /** True if the turn had failed before this chat was sent. This is a repetition of its end; nothing ran. */
  readonly replayed: boolean;
  /** Usage of a failed turn. Empty for other errors, and for turns of earlier versions. */
  readonly totals: Readonly<Omit<FailedTurn, 'replayed'>>;

  constructor({ code, message, retryable, data }: Fault, { replayed, ...totals }: FailedTurn = {}) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    this.data = data;
    this.replayed = replayed === true;
    this.totals = totals;
  }
}

/** An error that the client itself raises. */
export function clientError(code: ClientErrorCode, message: string, data: Record<string, unknown> = {}): ParleyError {
  return new ParleyError({ code, message, retryable: clientFaults[code], data });
}
