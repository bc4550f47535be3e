/**
 * How deep JSON is nested. What reads values recursively, as schemas and `JSON.stringify` do, ends the
 * process when somebody sends thousands of levels, so strangers' JSON is measured first.
 */

/** Whether objects and arrays lie in one another more than `levels` deep. Looks no deeper than that. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner: unknown) => isDeeperThan(inner, levels - 1));
}
