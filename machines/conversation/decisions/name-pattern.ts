/** Compares names with patterns, in which `*` stands for any text. Pure. */

/** True if one of the patterns is the name, or matches it. Compares part by part: a regular expression could take exponential time. */
export function isNamed(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const [first = '', ...rest] = pattern.split('*');
    const last = rest.pop();
    if (last === undefined) return name === pattern;
    if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
    let at = first.length;
    return rest.every((part) => {
      const found = name.indexOf(part, at);
      at = found + part.length;
      return found !== -1 && at <= name.length - last.length;
    });
  });
}
