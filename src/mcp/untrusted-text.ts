/**
 * What servers say, made fit to be shown to people, models and terminals: no control characters, no terminal
 * sequences, and none of the marks that hide or reorder what is read. Says nothing about lengths.
 */
import { stripVTControlCharacters } from 'node:util';

/**
 * C0 and C1 controls but tab and newline; zero-width space, line separators, marks of direction, the byte order
 * mark; and the tag characters, which are invisible and read by models all the same.
 */
// oxlint-disable-next-line no-control-regex -- finding them is the point
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** The same text without what cannot be seen, and well-formed: half a surrogate pair is no valid text for a provider. */
export function legible(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROLS, '').toWellFormed();
}
