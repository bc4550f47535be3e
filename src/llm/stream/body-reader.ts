/** Divides the text of a body into the events or completions of an answer, and reports progress to the watchdog. */
import { createParser } from 'eventsource-parser';
import { isObject, parseJson } from '../../json.ts';
import type { Accumulator } from './accumulator.ts';
import type { TextReader } from './body.ts';
import type { Watchdog } from './watchdog.ts';

/** The surroundings of one answer. */
interface Reading {
  /** Its abort ends the reading. */
  signal: AbortSignal;
  watchdog: Watchdog;
}

/** Far above any chunk, also one with an image. An endless line must not fill the memory. */
const maxEventChars = 16 * 1024 * 1024;

/**
 * Reads a body by its first character, because labels are often wrong: `{` begins a whole completion (of a gateway that
 * cannot stream), anything else a stream of events. A page of HTML is a stream without events.
 */
export function bodyReader(answer: Accumulator, reading: Reading): TextReader {
  let reader: TextReader | null = null;
  let before = '';
  return (text) => {
    if (reader !== null) return reader(text);
    before += text;
    const first = /\S/.exec(text)?.[0];
    if (first === undefined && text !== '' && before.length < maxEventChars) return true;
    reader = first === '{' || first === '[' ? wholeReader(answer, reading) : eventReader(answer, reading);
    const wanted = reader(before);
    return text === '' && before !== '' ? reader('') : wanted;
  };
}

function eventReader(answer: Accumulator, { signal, watchdog }: Reading): TextReader {
  let wanted = true;
  const parser = createParser({
    maxBufferSize: maxEventChars,
    // One read may hold many events, and the sink may abort at any of them.
    onEvent(event) {
      if (!wanted) return;
      const { progress } = answer;
      wanted = answer.read(event.data) && !signal.aborted;
      if (answer.progress > progress) watchdog.said();
      if (answer.isFinished) watchdog.finished();
    },
    onError(error) {
      if (!wanted) return;
      // Servers that fail in the middle write an error without `data:`: as JSON, or in a field `error` (llama.cpp).
      if (error.type === 'unknown-field') wanted = readStray(answer, error.line ?? '');
      if (error.type !== 'max-buffer-size-exceeded') return;
      answer.overflow();
      wanted = false;
    },
  });
  return (text) => {
    // At the end: the last event may lack its blank line.
    parser.feed(text === '' ? '\n\n' : text);
    return wanted;
  };
}

/** Reads a line that is no field of an event. Most are meaningless. */
function readStray(answer: Accumulator, line: string): boolean {
  const text = line.replace(/^error: ?/, '');
  const value = parseJson(text);
  if (isObject(value)) return answer.read(text);
  return text === line || answer.read(JSON.stringify({ error: text }));
}

function wholeReader(answer: Accumulator, { watchdog }: Reading): TextReader {
  let whole = '';
  return (text) => {
    watchdog.said();
    whole += text;
    if (text === '') readWhole(answer, whole);
    else if (whole.length > maxEventChars) answer.overflow();
    return text !== '' && whole.length <= maxEventChars;
  };
}

/** One completion, which may lack a finish reason; a list with one; or a chunk in each line, which the stream ends. */
function readWhole(answer: Accumulator, text: string): void {
  const value = parseJson(text);
  if (value !== undefined) {
    const isList = Array.isArray(value) && value.length === 1;
    if (answer.read(isList ? JSON.stringify(value[0]) : text)) answer.read('[DONE]');
    return;
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (!isObject(parseJson(lines[0] ?? ''))) return void answer.read(text);
  for (const line of lines) if (!answer.read(line)) return;
}
