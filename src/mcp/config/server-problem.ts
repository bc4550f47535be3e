/** Defines the error for one wrong value in the servers' file, before its position is known. */

/** A problem at a key path, before its position in the text is known. */
export class ServerProblem extends Error {
  readonly path: readonly PropertyKey[];

  constructor(path: readonly PropertyKey[], message: string) {
    super(message);
    this.path = path;
  }
}

/** Keys whose values may be secrets: a message must not repeat them. */
const SECRET_KEYS = new Set<PropertyKey>(['args', 'env', 'headers', 'oauth', 'url', 'serverUrl', 'httpUrl']);

/** Names a value in a message, cut. `path`: the keys down to the value. */
export function describe(value: unknown, path: readonly PropertyKey[]): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string' && path.some((key) => SECRET_KEYS.has(key))) return 'a text that is not shown here';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value).slice(0, 60);
}
