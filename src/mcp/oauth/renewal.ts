/**
 * Decides what became of an attempt to renew an authorization. An authorization server that is away is waited for, since
 * the grant may still be valid. Only a refusal needs a person.
 */
import { isObject, parseJson } from '../../json.ts';

/**
 * The authorization could not be renewed, and no person can mend that now. The request was rejected with 401 before and
 * took no effect. The message follows the server's name.
 */
export class RenewalFailed extends Error {
  override readonly name = 'RenewalFailed';
}

/** Returns the renewal failure that an error is or wraps. The SDK wraps what `fetch` threw while it negotiates. */
export function renewalFailure(error: unknown): RenewalFailed | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof RenewalFailed) return cause;
  return null;
}

/** Error codes of an authorization server that may answer later (RFC 6749, section 4.1.2.1; RFC 8628, section 3.5). */
const LATER = new Set(['server_error', 'temporarily_unavailable', 'slow_down', 'too_many_requests']);

/** Returns why the server is away, fit for people; null if it has answered. For a request of metadata. */
export function awayStatus(status: number): string | null {
  return status >= 500 || status === 429 || status === 408 ? `answered HTTP ${status}` : null;
}

/** For a request of tokens. A refusal is an error code of OAuth; without one, HTTP 400 or 401. */
export function awayTokens(status: number, body: string): string | null {
  const document = parseJson(body);
  const { error, access_token: token } = isObject(document) ? document : {};
  if (typeof error === 'string') return LATER.has(error) ? `answered "${error}"` : null;
  if (status === 400 || status === 401 || (status < 300 && token !== undefined)) return null;
  return status < 300 ? 'answered without a token' : `answered HTTP ${status}`;
}
