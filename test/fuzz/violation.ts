/**
 * Defines violations, and the trace that they show. A `Violation` is thrown when the server under attack broke a rule;
 * the attack ends with it. The trace keeps the last frames of one connection as short text.
 */

export class Violation extends Error {
  override readonly name = 'Violation';
}

export interface Trace {
  sent(what: string | Buffer): void;
  got(what: string): void;
  /** Oldest first. */
  lines(): readonly string[];
}

const kept = 24;
const shownChars = 400;

export function createTrace(): Trace {
  let lines: string[] = [];
  const note = (direction: string, text: string) => {
    const shown = text.length > shownChars ? `${text.slice(0, shownChars)}... (${text.length} characters)` : text;
    lines = [...lines.slice(1 - kept), `${direction} ${shown}`];
  };
  return {
    sent: (what) =>
      note(
        '>',
        typeof what === 'string' ? what : `bytes ${what.subarray(0, shownChars / 4).toString('hex')} (${what.length})`,
      ),
    got: (what) => note('<', what),
    lines: () => lines,
  };
}
