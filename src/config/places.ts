/** Maps key paths to places in a YAML text and back. Does not know the keys of the configuration. */
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, visit } from 'yaml';
import type { Document, Node } from 'yaml';

/** The keys and list positions that lead to a value. Empty for the root. */
export type KeyPath = readonly (string | number)[];

/** Whether a value is a section: a map of YAML. */
export function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `chat.websocket.port`, `llm.fallback[0]`; `the file` for the empty path. */
export function dotted(path: KeyPath): string {
  if (path.length === 0) return 'the file';
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

/** The key and value nodes at `path`. For an entry of a list, both are the entry. Null if the file does not state `path`. */
export function locate(document: Document, path: KeyPath): { key: Node | null; value: Node | null } | null {
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

/** The path of a node, from its ancestors in a visit. */
export function pathThrough(nodes: readonly unknown[]): KeyPath {
  return nodes.flatMap((node, depth): (string | number)[] => {
    if (isPair(node)) return [isScalar(node.key) ? String(node.key.value) : '?'];
    return isSeq(node) ? [node.items.indexOf(nodes[depth + 1])] : [];
  });
}

/** Path of the key whose node begins at `offset`: YAML reports only the place of a repeated key. */
export function pathOfKeyAt(document: Document, offset: number): KeyPath {
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
