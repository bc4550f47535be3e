/**
 * Finds line and column of values and syntax errors in a JSON text, for error messages. `JSON.parse` still parses the
 * text, but it reports positions for some errors only and none for values.
 */

/** A place in the text. */
export interface Position {
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 units. */
  column: number;
}

/** The places of one text. */
export interface JsonPositions {
  /** Returns the start of the value at `path`, or of its nearest existing parent. */
  of(path: readonly PropertyKey[]): Position;
  /** The first syntax error: its position, what JSON allows there and what the text has. Null if the text is JSON. */
  readonly syntaxProblem: { position: Position; expected: string; found: string } | null;
  /** The first duplicate key with its path. `JSON.parse` silently takes the last one. Null if none. */
  readonly repeated: { path: readonly string[]; position: Position } | null;
}

const SPACE = /[ \t\r\n]*/y;
const SCALAR =
  // oxlint-disable-next-line no-control-regex -- JSON forbids them in strings
  /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Length of the quote at a syntax error. */
const QUOTE_CHARS = 16;

/** Thrown at the first syntax error. Its message is what JSON allows there. */
class SyntaxProblem extends Error {}

const pathKey = (path: readonly PropertyKey[]) => JSON.stringify(path.map(String));

/** Scans the whole text once. */
export function scanJson(text: string): JsonPositions {
  const offsets = new Map<string, number>();
  const repeats: { path: readonly string[]; offset: number }[] = [];
  let at = 0;

  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  };
  const peek = (): string => {
    skip(SPACE);
    return text[at] ?? '';
  };
  const expect = (character: string, expected: string): void => {
    if (peek() !== character) throw new SyntaxProblem(expected);
    at += 1;
  };
  const scalar = (expected: string): string => {
    const found = skip(SCALAR);
    if (found === '') throw new SyntaxProblem(expected);
    return found;
  };

  const members = (close: string, member: (index: number) => void): void => {
    at += 1;
    for (let index = 0; peek() !== close; index += 1) {
      if (index > 0) {
        expect(',', `"," or "${close}"`);
        peek();
      }
      member(index);
    }
    at += 1;
  };

  const value = (path: readonly string[]): void => {
    const first = peek();
    offsets.set(pathKey(path), at);
    if (first === '[') return members(']', (index) => value([...path, String(index)]));
    if (first !== '{') return void scalar('a value');
    members('}', () => {
      if (text[at] !== '"') throw new SyntaxProblem('a key in double quotes');
      const start = at;
      const key: unknown = JSON.parse(scalar('a key that ends in a double quote'));
      const inner = [...path, String(key)];
      if (offsets.has(pathKey(inner))) repeats.push({ path: inner, offset: start });
      expect(':', '":"');
      value(inner);
    });
  };

  const position = (offset: number): Position => {
    const before = text.slice(0, offset);
    return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
  };
  const scan = (): JsonPositions['syntaxProblem'] => {
    try {
      value([]);
      if (peek() !== '') throw new SyntaxProblem('nothing more');
      return null;
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error;
      const quote = text.slice(at, at + QUOTE_CHARS).split('\n')[0] ?? '';
      return {
        position: position(at),
        expected: error.message,
        found: at === text.length ? 'the end of the file' : quote,
      };
    }
  };

  const syntaxProblem = scan();
  const [repeat] = repeats;
  return {
    syntaxProblem,
    repeated: repeat === undefined ? null : { path: repeat.path, position: position(repeat.offset) },
    of(path) {
      for (let length = path.length; length > 0; length -= 1) {
        const offset = offsets.get(pathKey(path.slice(0, length)));
        if (offset !== undefined) return position(offset);
      }
      return position(offsets.get(pathKey([])) ?? 0);
    },
  };
}
