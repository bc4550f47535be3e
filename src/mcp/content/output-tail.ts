/**
 * Keeps the last lines that a server program wrote to its standard error, for the operator: they say why it does not start.
 * Without stacks, control characters and secrets, and bounded.
 */
import { sanitizeText } from './sanitize-text.ts';

/** The last lines of one program. */
export interface OutputTail {
  add(line: string): void;
  /** The kept lines, joined. Null if the program wrote none. */
  text(): string | null;
  /** For a new start of the program. The old lines are kept until it writes some. */
  startAgain(): void;
}

const MAX_LINES = 8;
const MAX_CHARS = 1_000;

/** Frames of a stack in Node and Python, the quoted line of source, and the closing lines of a dump. */
const NOISE = /^\s*(at\s.+|File ".*", line \d+.*|throw \S+;|\^+|[{}[\](),;\s]*|Node\.js v[\d.]+|node:internal\/\S+)$/;

/** `clean` removes secrets from a line. */
export function createOutputTail(clean: (line: string) => string): OutputTail {
  let lines: string[] = [];
  let isOld = false;
  return {
    add(line) {
      if (NOISE.test(line)) return;
      lines = [...(isOld ? [] : lines), line].slice(-MAX_LINES);
      isOld = false;
    },
    text() {
      const cleaned = lines.map((line) => clean(sanitizeText(line))).filter((line) => line !== '');
      const joined = cleaned.join(' | ');
      if (joined === '') return null;
      return joined.length <= MAX_CHARS ? joined : `...${joined.slice(3 - MAX_CHARS).toWellFormed()}`;
    },
    startAgain() {
      isOld = true;
    },
  };
}
