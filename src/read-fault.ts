/**
 * Converts a failed read of the log into the fault for the client. A log that is closed because the server stops is no
 * internal error.
 */
import type { Fault } from '../machines/log.ts';
import { AppError, fault, shuttingDown } from './errors.ts';

/** Returns `shutting_down`, or `internal`. The caller logs the latter. */
export function readFault(error: unknown): Fault {
  const isClosed = error instanceof AppError && error.code === 'shutting_down';
  return isClosed ? shuttingDown() : fault('internal', 'The log could not be read. Send the same request again.');
}
