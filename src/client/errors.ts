/**
 * What a client's promises reject with: the server's own faults as they came, and the few that
 * arise on this side of the wire. Codes of the server are listed in its table of errors.
 */
import type { Fault } from '../../machines/log.ts';
import type { Frame } from '../protocol/frames.ts';

/** Faults of the client's side; whether the same request may succeed later. */
const clientFaults = {
  /** The client was closed, or the server closed it for good; `data` has the close code and reason. */
  connection_closed: false,
  /** The address is no WebSocket's, or the token holds characters that cannot be sent. */
  invalid_options: false,
  /** No connection stood after `reconnect.attempts` tries in a row; `data` has the last close code and reason. */
  unreachable: true,
  /** The socket fell between a request and its answer, and a repeat might act twice. */
  connection_lost: true,
  /** No answer within `requestTimeoutMs`. */
  timed_out: true,
  /** Too many requests are open. */
  too_many_open: true,
  /** A chat with this request id in this conversation, or a `follow` of it, is open already. */
  already_open: false,
  /** What was to be sent is not JSON: a BigInt, or an object within itself. */
  unsendable: false,
  /** Stopped before it was sent. */
  aborted: false,
  /** The iterator was not read while too much arrived for it. */
  reader_too_slow: true,
  /** The server's frames do not fit together, or an answer lacks what it must have. */
  unexpected_answer: false,
} as const;

export type ClientErrorCode = keyof typeof clientFaults;

/** What stands beside the fault that has ended a turn. */
type FailedTurn = NonNullable<Extract<Frame, { status: 'error' }>['metadata']>;

/** A fault of the server's or the client's. `message` is fit for people. */
export class ParleyError extends Error {
  override readonly name = 'ParleyError';
  /** A `ClientErrorCode`, or one of the server's codes. */
  readonly code: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  readonly data: Readonly<Record<string, unknown>>;
  /** True for the failure of a turn that had ended before this chat asked for it: it was told anew, nothing ran. */
  readonly replayed: boolean;
  /** Of a turn that has failed: what it took until then. Empty for all else, and for turns of earlier versions. */
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

export function clientError(code: ClientErrorCode, message: string, data: Record<string, unknown> = {}): ParleyError {
  return new ParleyError({ code, message, retryable: clientFaults[code], data });
}
