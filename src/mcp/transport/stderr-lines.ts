/**
 * A child's stderr, line by line, for the log. A line is cut at a bound, so that a server that
 * prints without newlines costs neither memory nor a huge log entry.
 */
import type { Readable } from 'node:stream';
import { legible } from '../content/sanitize-text.ts';

/** Longer than a line of a stack trace, far shorter than a base64 dump. */
const MAX_LINE_CHARS = 2_000;

/** Gives each line of `stream` to `emit`; what follows the last newline is given at the end. */
export function eachLine(stream: Readable, emit: (line: string) => void): void {
  let line = '';
  const take = (part: string) => {
    if (line.length < MAX_LINE_CHARS) line += part.slice(0, MAX_LINE_CHARS - line.length);
  };
  const flush = () => {
    const whole = legible(line).trimEnd();
    line = '';
    if (whole !== '') emit(whole);
  };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = chunk.split('\n');
    const rest = parts.pop() ?? '';
    for (const part of parts) {
      take(part);
      flush();
    }
    take(rest);
  });
  stream.on('end', flush);
}
