/**
 * What a client hears whose request needed the log, when that could not be read: in the same words wherever it
 * happens. A log that has been closed, because the server ends, is no fault of ours.
 */
import type { Fault } from '../machines/log.ts';
import { AppError, fault } from './errors.ts';

/** The socket closes with 1012 right after this; a client that is back sooner is refused once more. */
const RETRY_AFTER_MS = 1000;

/** `shutting_down`, or `internal`, which is for the server's log as well. */
export function readFault(error: unknown): Fault {
  const isClosed = error instanceof AppError && error.code === 'shutting_down';
  return isClosed
    ? fault('shutting_down', 'The server is shutting down.', { retry_after_ms: RETRY_AFTER_MS })
    : fault('internal', 'The log could not be read. Send the same request again.');
}
