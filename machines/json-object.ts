/**
 * Reading what a row keeps as JSON: the log is a file that others may have written, so nothing is taken for granted.
 * Pure.
 */

/** Null for what is no object. */
export function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : null;
}

/** The objects of a list; null when it is none, or holds something else. */
export function asObjects(value: unknown): Record<string, unknown>[] | null {
  if (!Array.isArray(value)) return null;
  const objects = value.map(asObject);
  return objects.every((entry) => entry !== null) ? objects : null;
}
