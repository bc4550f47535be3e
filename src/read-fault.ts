/**
 * What a client hears whose request needed the log, when that could not be read: in the same words wherever it
 * happens. A log that has been closed, because the server ends, is no fault of ours.
 */
import type { Fault } from '../machines/log.ts';
import { AppError, fault, shuttingDown } from './errors.ts';

/** `shutting_down`, or `internal`, which is for the server's log as well. */
export function readFault(error: unknown): Fault {
  const isClosed = error instanceof AppError && error.code === 'shutting_down';
  return isClosed ? shuttingDown() : fault('internal', 'The log could not be read. Send the same request again.');
}
