/**
 * Texts by servers that people, models or terminals will read, without what hides or reorders what is read. Pure;
 * how long a text may be is the caller's to say.
 */
import { stripVTControlCharacters } from 'node:util';

/**
 * C0 and C1 controls but tab and newline; zero-width space, line separators, marks of direction, invisible operators,
 * the byte order mark; and the tag characters, which nobody sees and models read all the same.
 */
const CONTROLS =
  // oxlint-disable-next-line no-control-regex -- finding them is the point
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** The whole of it. Well-formed, for half a surrogate pair is no valid text for a provider. */
export function sanitizeText(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROLS, '').toWellFormed();
}

/** At most `maxChars` UTF-16 units of it, never half of a surrogate pair. */
export function sanitizeToLength(text: string, maxChars: number): string {
  return sanitizeText(text).slice(0, maxChars).trim().toWellFormed();
}
