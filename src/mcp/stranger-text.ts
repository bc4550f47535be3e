/**
 * Texts by servers that people or models will read: cut, and without the characters that hide or reorder what is
 * read. Pure; how long a text may be is the caller's to say.
 */

/** C0 and C1 controls but tab and newline, and the marks that hide or reorder what people read. */
// oxlint-disable-next-line no-control-regex -- finding them is the point
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** At most `maxChars` UTF-16 units of it, never half of a surrogate pair. */
export function plainText(text: string, maxChars: number): string {
  return text.replace(CONTROLS, '').slice(0, maxChars).trim().toWellFormed();
}
