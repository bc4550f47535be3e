/**
 * A configuration file as YAML: its values with variables filled in, and where in the text each
 * stands. Knows nothing of which keys there are.
 */
import { isAlias, isMap, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node, Scalar } from 'yaml';
import { expandVariables } from './environment.ts';
import type { Environment } from './environment.ts';
import { locate, pathOfKeyAt, pathThrough } from './places.ts';
import type { KeyPath } from './places.ts';

/** One thing that is wrong with the file. */
export interface Problem {
  /** From 1. */
  line: number;
  /** Empty where it is the file as a whole. */
  path: KeyPath;
  /** The sentence, whose subject is the path. */
  text: string;
}

export interface ConfigDocument {
  /** Plain values, `{}` for an empty file; null when the text is no YAML, so that nothing is known of them. */
  values: unknown;
  /** Syntax errors, repeated keys, variables that are not set. */
  problems: Problem[];
  states(path: KeyPath): boolean;
  /** Line of the key at `path`, or of its nearest ancestor that the file states. */
  lineOf(path: KeyPath): number;
  /** What the file says at `path`, as it is written there: variables are named, never filled in. */
  found(path: KeyPath): string;
}

/** Longest piece of a value that a message repeats. */
const shownLength = 60;

/** Reads `text`; whatever is wrong with it is in `problems`. Without `env`, values that name variables stay as they are. */
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

  let values: unknown = null;
  try {
    if (!broken) values = document.toJS() ?? {};
  } catch (error) {
    // Anchors that refer to nothing or blow up: YAML finds these only when it builds the values.
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

  return { values, problems, states: (path) => locate(document, path) !== null, lineOf, found };
}

/** Fills in the values, not the keys. `filled` holds every value that names a variable, `unfilled` what could not be. */
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

/** Text that came from a variable and was not in quotes is read as YAML would have read it in its place. */
function plainValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : text;
}
