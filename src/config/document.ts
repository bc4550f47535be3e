/**
 * Reads a configuration file as YAML: its values with variables filled in, and the line of each. Does not know the keys of
 * the configuration.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node, Scalar } from 'yaml';
import { expandVariables } from './environment.ts';
import type { Environment } from './environment.ts';
import { locate, pathOfKeyAt, pathThrough } from './places.ts';
import type { KeyPath } from './places.ts';

/** One error in the file. */
export interface Problem {
  /** From 1. */
  line: number;
  /** Empty for the file as a whole. */
  path: KeyPath;
  /** The sentence, whose subject is the path. */
  text: string;
}

/** One file as read, before any key is checked. */
export interface ConfigDocument {
  /** Plain values, `{}` for an empty file. Null if the text is not YAML. */
  values: unknown;
  /** Syntax errors, repeated and reserved keys, variables that are not set. */
  problems: Problem[];
  states(path: KeyPath): boolean;
  /** The value at `path`. Null if it is empty or not stated. */
  valueAt(path: KeyPath): unknown;
  /** Line of the key at `path`, or of its nearest ancestor that the file states. */
  lineOf(path: KeyPath): number;
  /** The text of the file at `path`, as written: with the names of variables, never their values. */
  found(path: KeyPath): string;
}

/** Longest part of a value that a message repeats. */
const shownLength = 60;

/** Reads `text`. Errors are in `problems`. Without `env`, values that name variables stay unchanged. */
export function readDocument(text: string, env: Environment | null): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (node: Node | null) => (node?.range ? lines.linePos(node.range[0]).line : 1);
  const lineOf = (path: KeyPath): number => {
    const place = locate(document, path);
    return place || path.length === 0 ? lineAt(place?.key ?? null) : lineOf(path.slice(0, -1));
  };

  const problems: Problem[] = [];
  let broken = false;
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const { line } = lines.linePos(pos[0]);
    if (code === 'DUPLICATE_KEY') {
      const path = pathOfKeyAt(document, pos[0]);
      problems.push({ line, path, text: `is stated twice, first on line ${lineOf(path)}; keep one` });
    } else {
      broken = true;
      const said = code === 'MULTIPLE_DOCS' ? 'holds a second document here; keep one' : `is not YAML here: ${message}`;
      problems.push({ line, path: [], text: said });
    }
  }

  const variables = env === null ? { filled: new Set<Node>(), unfilled: [] } : fillInVariables(document, env);
  for (const { scalar, path, problem } of variables.unfilled) {
    problems.push({ line: lineAt(scalar), path, text: problem });
  }

  for (const { key, path } of protoKeys(document)) {
    problems.push({ line: lineAt(key), path, text: 'is a name that JavaScript reserves; choose another one' });
  }

  let values: unknown = null;
  try {
    if (!broken) values = document.toJS() ?? {};
  } catch (error) {
    // YAML finds anchors that are undefined or expand without limit only when it builds the values.
    const reason = error instanceof Error ? error.message : 'its anchors cannot be followed';
    problems.push({ line: 1, path: [], text: `is not YAML: ${reason}` });
  }

  const found = (path: KeyPath): string => {
    const value = locate(document, path)?.value ?? null;
    const node = isAlias(value) ? (value.resolve(document) ?? null) : value;
    if (isMap(node)) return 'a section';
    if (isSeq(node)) return 'a list';
    const written = node?.range ? text.slice(node.range[0], node.range[1]).trim() : '';
    if (node === null || written === '') return 'empty';
    const shown = written.length > shownLength ? `${written.slice(0, shownLength - 3)}...` : written;
    return variables.filled.has(node) ? `${shown} from the environment` : shown;
  };

  const valueAt = (path: KeyPath): unknown =>
    path.reduce<unknown>(
      (value, step) => (isContainer(value) && Object.hasOwn(value, step) ? (value[step] ?? null) : null),
      values,
    );

  return { values, problems, states: (path) => locate(document, path) !== null, valueAt, lineOf, found };
}

const isContainer = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null;

/** Fills in variables in values, not in keys. `filled`: every value that names a variable. `unfilled`: the failures. */
function fillInVariables(document: Document, env: Environment) {
  const filled = new Set<Node>();
  const unfilled: { scalar: Scalar; path: KeyPath; problem: string }[] = [];
  visit(document, {
    Scalar(key, scalar, ancestors) {
      if (key === 'key' || typeof scalar.value !== 'string' || !scalar.value.includes('${')) return;
      const { text, problems } = expandVariables(scalar.value, env);
      scalar.value = scalar.type === 'PLAIN' ? plainValue(text) : text;
      filled.add(scalar);
      const path = pathThrough([...ancestors, scalar]);
      unfilled.push(...problems.map((problem) => ({ scalar, path, problem })));
    },
  });
  return { filled, unfilled };
}

/** The keys `__proto__`. A schema drops them without a word. */
function protoKeys(document: Document): { key: Scalar; path: KeyPath }[] {
  const found: { key: Scalar; path: KeyPath }[] = [];
  visit(document, {
    Pair(_, pair, ancestors) {
      const { key } = pair;
      if (isScalar(key) && key.value === '__proto__') found.push({ key, path: pathThrough([...ancestors, pair]) });
    },
  });
  return found;
}

/** The value of an unquoted text from a variable, as YAML would read it in that place. */
function plainValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : text;
}
