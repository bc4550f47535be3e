/**
 * Reads binary content as servers encode it: base64, base64url, with line breaks, without padding, or as a `data:` URL
 * (RFC 2397). Pure.
 */

/** Decoded only in form: still base64. */
export interface Binary {
  /** Base64 with padding. */
  data: string;
  /** Of a `data:` URL; null if unknown. */
  mimeType: string | null;
}

const DATA_URL = /^data:([^,;]*)((?:;[^,;]*)*),/i;
/** The part of a text in which the head of a `data:` URL is searched. */
const MAX_HEAD_CHARS = 300;

/** Returns null if the value is not base64 in any of these forms. */
export function readBase64(value: unknown): Binary | null {
  if (typeof value !== 'string') return null;
  const url = DATA_URL.exec(value.slice(0, MAX_HEAD_CHARS));
  if (url === null) return encoded(value, null);
  const [head, type = '', parameters = ''] = url;
  const mimeType = type === '' ? null : type;
  const body = percentDecoded(value.slice(head.length));
  if (body === null) return null;
  if (/;\s*base64$/i.test(parameters)) return encoded(body, mimeType);
  return { data: Buffer.from(body).toString('base64'), mimeType };
}

function encoded(text: string, mimeType: string | null): Binary | null {
  const digits = text.replace(/\s+/g, '').replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/');
  // One digit alone has six bits, which is no byte.
  if (digits.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(digits)) return null;
  return { data: digits.padEnd(Math.ceil(digits.length / 4) * 4, '='), mimeType };
}

function percentDecoded(text: string): string | null {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
