/**
 * Sanitizes texts of servers for people, models and terminals: removes characters that hide or reorder text. Pure.
 */
import { stripVTControlCharacters } from 'node:util';

/**
 * C0 and C1 controls except tab and newline; zero-width space, line separators, direction marks, invisible operators,
 * the byte order mark; and the tag characters, which are invisible to people and readable for models.
 */
const CONTROLS =
  // oxlint-disable-next-line no-control-regex -- finding them is the point
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** Returns the sanitized text. It is well-formed, because providers reject half a surrogate pair. */
export function sanitizeText(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROLS, '').toWellFormed();
}

/** Returns at most `maxChars` UTF-16 units of the sanitized text, without half a surrogate pair. */
export function sanitizeToLength(text: string, maxChars: number): string {
  return sanitizeText(text).slice(0, maxChars).trim().toWellFormed();
}
