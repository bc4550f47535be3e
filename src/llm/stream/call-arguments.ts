/**
 * Collects the arguments of one tool call, whose pieces may hold a few characters each. The work is proportional to their
 * length: a text that grows piece by piece is copied whole at each look into it.
 */
import { isObject, parseJson } from '../../json.ts';

/** The arguments of one call. */
export interface CallArguments {
  add(piece: string): void;
  readonly isEmpty: boolean;
  /** Whether the pieces so far are one JSON object. Parses them at most once. */
  isObject(): boolean;
  /** All pieces, joined. `{}` if they hold only white space. */
  text(): string;
}

/** Starts empty. */
export function createCallArguments(): CallArguments {
  const pieces: string[] = [];
  /** The first characters that are no white space: enough to distinguish `{}` from other arguments. */
  let head = '';
  const depth = createDepth();
  let read = 0;
  /** Whether the text is an object, once its first bracket is closed: a text that is none then never becomes one. */
  let closed: boolean | null = null;

  return {
    add(piece) {
      if (piece === '') return;
      // Some servers send an empty object before the real arguments.
      if (head === '{}') {
        pieces.length = 0;
        [head, read, closed] = ['', 0, null];
        depth.reset();
      }
      // Text behind an object.
      if (closed === true && /\S/.test(piece)) closed = false;
      pieces.push(piece);
      if (head.length < HEAD_CHARS) head += piece.replace(/\s+/g, '').slice(0, HEAD_CHARS - head.length);
    },
    get isEmpty() {
      return pieces.length === 0;
    },
    isObject() {
      for (; read < pieces.length; read += 1) depth.read(pieces[read] ?? '');
      if (!depth.isClosed) return false;
      return (closed ??= isObject(parseJson(pieces.join(''))));
    },
    text: () => (head === '' ? '{}' : pieces.join('')),
  };
}

const HEAD_CHARS = '{}'.length + 1;

/** Follows the brackets of a JSON text that comes in pieces. */
function createDepth() {
  let [levels, inString, isEscaped, isClosed] = [0, false, false, false];
  return {
    /** True once the first bracket was closed. */
    get isClosed() {
      return isClosed;
    },
    read(piece: string): void {
      for (const char of piece) {
        if (inString) {
          if (char === '"' && !isEscaped) inString = false;
          isEscaped = char === '\\' && !isEscaped;
        } else if (char === '"') inString = true;
        else if (char === '{' || char === '[') levels += 1;
        else if ((char === '}' || char === ']') && (levels -= 1) <= 0) isClosed = true;
      }
    },
    reset(): void {
      [levels, inString, isEscaped, isClosed] = [0, false, false, false];
    },
  };
}
