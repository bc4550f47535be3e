/**
 * Distinguishes a closed terminal from a signal that another process sent: both arrive as SIGHUP, but a closed terminal is
 * no longer a terminal.
 */
import { isatty } from 'node:tty';

const STANDARD_STREAMS = [0, 1, 2];

/** Stores which standard streams are terminals now. `isGone`: one of them was closed since. */
export function watchTerminal(): { isGone(): boolean } {
  const terminals = STANDARD_STREAMS.filter((fd) => isatty(fd));
  return { isGone: () => terminals.some((fd) => !isatty(fd)) };
}
