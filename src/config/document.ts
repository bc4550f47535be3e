/**
 * A configuration file as YAML: its values with variables filled in, and where in the text each
 * stands. Knows nothing of which keys there are.
 */
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node, Scalar } from 'yaml';
import { expandVariables } from './environment.ts';

export type KeyPath = readonly (string | number)[];

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
  /** Plain values; `{}` for an empty file. Not usable when `broken`. */
  values: unknown;
  /** The text is no YAML, so that nothing is known of its values. */
  broken: boolean;
  /** Syntax errors, repeated keys, variables that are not set. */
  problems: Problem[];
  states(path: KeyPath): boolean;
  /** Line of the key at `path`, or of its nearest ancestor that the file states. */
  lineOf(path: KeyPath): number;
  /** What the file says at `path`, as it is written there: variables are named, never filled in. */
  found(path: KeyPath): string;
}

/** `chat.websocket.port`, `llm.fallback[0]`; `the file` for the empty path. */
export function dotted(path: KeyPath): string {
  if (path.length === 0) return 'the file';
  return path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('').replace(/^\./, '');
}

/** The key and value nodes at `path`; null where the file states nothing there. */
function locate(document: Document, path: KeyPath): { key: Node | null; value: Node | null } | null {
  let key: Node | null = null;
  let value: Node | null = document.contents;
  for (const step of path) {
    const container: Node | null | undefined = isAlias(value) ? value.resolve(document) : value;
    if (isMap(container)) {
      const pair = container.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) return null;
      key = isNode(pair.key) ? pair.key : null;
      value = isNode(pair.value) ? pair.value : null;
    } else if (isSeq(container)) {
      const item = container.items[Number(step)];
      if (!isNode(item)) return null;
      key = item;
      value = item;
    } else {
      return null;
    }
  }
  return { key, value };
}

/** Text that came from a variable and was not in quotes is read as YAML would have read it in its place. */
function typed(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : text;
}

/** The path of a node, from the collections and pairs that a visit came through to it. */
function pathThrough(nodes: readonly unknown[]): KeyPath {
  return nodes.flatMap((node, depth): (string | number)[] => {
    if (isPair(node)) return [isScalar(node.key) ? String(node.key.value) : '?'];
    return isSeq(node) ? [node.items.indexOf(nodes[depth + 1])] : [];
  });
}

/** Path of the key whose node begins at `offset`: YAML reports a repeated key by its place alone. */
function pathOfKeyAt(document: Document, offset: number): KeyPath {
  let found: KeyPath = [];
  visit(document, {
    Pair(_, pair, ancestors) {
      if (!isScalar(pair.key) || pair.key.range?.[0] !== offset) return undefined;
      found = pathThrough([...ancestors, pair]);
      return visit.BREAK;
    },
  });
  return found;
}

export function readDocument(text: string, env: Readonly<Record<string, string | undefined>>): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems: Problem[] = [];
  const lineAt = (node: Node | null) => (node?.range ? lines.linePos(node.range[0]).line : 0);

  const lineOf = (path: KeyPath): number => {
    for (let length = path.length; length > 0; length -= 1) {
      const place = locate(document, path.slice(0, length));
      if (place) return lineAt(place.key);
    }
    return 1;
  };

  const fromEnvironment = new Set<Node>();
  const fillIn = (scalar: Scalar, path: KeyPath) => {
    if (typeof scalar.value !== 'string' || !scalar.value.includes('${')) return;
    const expansion = expandVariables(scalar.value, env);
    problems.push(...expansion.problems.map((text) => ({ line: lineAt(scalar), path, text })));
    scalar.value = scalar.type === 'PLAIN' ? typed(expansion.text) : expansion.text;
    fromEnvironment.add(scalar);
  };

  let broken = false;
  for (const error of [...document.errors, ...document.warnings]) {
    const { line } = lines.linePos(error.pos[0]);
    if (error.code === 'DUPLICATE_KEY') {
      const path = pathOfKeyAt(document, error.pos[0]);
      problems.push({ line, path, text: `is stated twice, first on line ${lineOf(path)}; keep one` });
    } else {
      broken = true;
      const text = error.code === 'MULTIPLE_DOCS' ? 'holds a second document here; keep one' : `is not YAML here: ${error.message}`;
      problems.push({ line, path: [], text });
    }
  }

  visit(document, {
    Scalar(key, scalar, ancestors) {
      if (key !== 'key') fillIn(scalar, pathThrough([...ancestors, scalar]));
    },
  });

  let values: unknown = {};
  try {
    values = document.contents === null ? {} : (document.toJS() ?? {});
  } catch (error) {
    // Anchors that refer to nothing or blow up: YAML finds these only when it builds the values.
    const reason = error instanceof Error ? error.message : 'its anchors cannot be followed';
    if (!broken) problems.push({ line: 1, path: [], text: `is not YAML: ${reason}` });
    broken = true;
  }

  const found = (path: KeyPath): string => {
    const value = locate(document, path)?.value ?? null;
    const node = isAlias(value) ? (value.resolve(document) ?? null) : value;
    if (isMap(node)) return 'a section';
    if (isSeq(node)) return 'a list';
    const written = node?.range ? text.slice(node.range[0], node.range[1]).trim() : '';
    if (written === '') return 'empty';
    const short = written.length > 60 ? `${written.slice(0, 57)}...` : written;
    return node && fromEnvironment.has(node) ? `${short} from the environment` : short;
  };

  return { values, broken, problems, states: (path) => locate(document, path) !== null, lineOf, found };
}
