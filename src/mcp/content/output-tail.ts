/**
 * Keeps the last lines that a server program wrote to its standard error, for the operator: they say why it does not start.
 * Without stacks, control characters and secrets, and bounded.
 */
import { sanitizeMessage } from '../../llm/stream/provider-error.ts';
import { sanitizeText } from './sanitize-text.ts';

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

/** `secrets`: texts that are removed. */
export function createOutputTail(secrets: () => readonly string[]): OutputTail {
  let lines: string[] = [];
  let isOld = false;
  return {
    add(line) {
      if (NOISE.test(line)) return;
      lines = [...(isOld ? [] : lines), line].slice(-MAX_LINES);
      isOld = false;
    },
    text() {
      const cleaned = lines.map((line) => sanitizeMessage(sanitizeText(line), secrets())).filter((line) => line !== '');
      const joined = cleaned.join(' | ');
      if (joined === '') return null;
      return joined.length <= MAX_CHARS ? joined : `...${joined.slice(3 - MAX_CHARS).toWellFormed()}`;
    },
    startAgain() {
      isOld = true;
    },
  };
}

/** Names of variables and headers whose values are secrets. Others, such as a path, help to understand an error. */
const SECRET_NAME = /key|token|secret|pass|pwd|auth|cred|cookie|dsn|url|uri|connection/i;
/** Shorter values would remove parts of ordinary words. */
const MIN_SECRET_CHARS = 6;

/** Returns the values that look like secrets. */
export function secretsOf(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values)
    .filter(([name, value]) => SECRET_NAME.test(name) && value.length >= MIN_SECRET_CHARS)
    .map(([, value]) => value);
}
