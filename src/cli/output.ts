/**
 * Writes to standard output for readers that are slow or gone: `./run.sh replay X | head` ends without an error, and a long
 * output does not fill the memory.
 */
import { once } from 'node:events';

/** The outcome of a command: the lines to print, and the exit code. */
export interface CommandResult {
  lines: Iterable<string>;
  /** 1 if the command found problems. */
  exitCode: 0 | 1;
}

/** Handles failed writes to standard output and standard error, which would otherwise be uncaught errors. */
export function onOutputError(handle: (error: NodeJS.ErrnoException) => void): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', handle);
}

/**
 * Ends the process after a failed write. If the reader has closed the pipe (EPIPE), the exit code is the current one, or 0.
 * After any other failure, such as a full disk, it is 1, and standard error has the reason.
 */
export function exitOnOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  process.stderr.write(`The output could not be written: ${error.message}.\n`);
  process.exit(1);
}

/** Writes line by line and waits for a slow reader. Resolves when the last line was handed over. */
export async function printLines(lines: Iterable<string>): Promise<void> {
  for (const line of lines) {
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
  }
}
