/**
 * Request and conversation ids. Not `crypto.randomUUID`: browsers hide it from pages that did not
 * come over https.
 */

/** 128 random bits as 32 hexadecimal digits. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
