/** Cuts texts for people and models. Pure. */

/** The text, at most `maxChars` UTF-16 units long. A cut one ends with `...`, and not with half a surrogate pair. */
export function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const kept = text.slice(0, Math.max(0, maxChars - 3)).replace(/[\uD800-\uDBFF]$/, '');
  return `${kept.trimEnd()}...`;
}
