/**
 * Reads JSON values of rows without trusting them, because other programs may have written the log. Pure.
 */

/** The object. Null for any other value. */
export function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : null;
}

/** The objects of a list. Null if the value is no list or holds another value. */
export function asObjects(value: unknown): Record<string, unknown>[] | null {
  if (!Array.isArray(value)) return null;
  const objects = value.map(asObject);
  return objects.every((entry) => entry !== null) ? objects : null;
}
