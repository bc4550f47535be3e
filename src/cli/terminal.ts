/**
 * Tells a terminal that was closed from a signal that somebody sent: both arrive as SIGHUP, but only a closed terminal
 * is none any more.
 */
import { isatty } from 'node:tty';

const STANDARD_STREAMS = [0, 1, 2];

/** Remembers which standard streams are a terminal now. `isGone`: one of them has been closed since. */
export function watchTerminal(): { isGone(): boolean } {
  const terminals = STANDARD_STREAMS.filter((fd) => isatty(fd));
  return { isGone: () => terminals.some((fd) => !isatty(fd)) };
}
