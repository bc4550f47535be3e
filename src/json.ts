/**
 * Reads untrusted JSON at a cost that the hot path can bear: a schema library takes longer over a delta than parsing it.
 * A value of the wrong type counts as absent.
 */

/** A parsed object. Its values are untrusted. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for a JSON object: no array, no null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A non-empty string, or null. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The parsed text; undefined if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Whether objects and arrays are nested more than `levels` deep. Looks no deeper. Code that reads values recursively, such
 * as schemas and `JSON.stringify`, overflows the stack on thousands of levels and ends the process.
 */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner: unknown) => isDeeperThan(inner, levels - 1));
}

/** Most levels of a tool call's arguments. Arguments of people have the limit of frames. */
export const MAX_ARGUMENT_LEVELS = 100;

/**
 * The entry of an object whose names others choose; undefined if there is none. `object[name]` also finds what every
 * object inherits, such as `constructor`.
 */
export function ownValue<Value>(object: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/**
 * The path of a key `__proto__` anywhere in a value from `JSON.parse`; null if there is none. Schemas drop this key
 * without a word, so the value would not be what its sender wrote.
 */
export function protoKeyIn(value: unknown, path: readonly PropertyKey[] = []): readonly PropertyKey[] | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const found = key === '__proto__' ? [...path, key] : protoKeyIn(inner, [...path, key]);
    if (found) return found;
  }
  return null;
}
