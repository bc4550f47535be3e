/**
 * Judges the failed first request (`server/discover`) to a server of unknown age. Servers up to 2025-11-25 answer a
 * request that they do not know with any status, an empty body, silence or a cut connection. Pure.
 */
import {
  SdkError,
  SdkErrorCode,
  UnauthorizedError,
  UnsupportedProtocolVersionError,
} from '@modelcontextprotocol/client';
import { unsentCode } from './http-transport.ts';

/**
 * Timeout of the first request, in ms. An older server that never answers it is reached after this time. A newer server
 * that is slower is asked again without haste, after it has refused the older handshake.
 */
export const PROBE_MS = 1_500;

/** False if the older handshake would fail as well: the server is unreachable, or a person has to sign in. */
export function mayBeOlder(error: unknown): boolean {
  return unsentCode(error) === null && !(error instanceof UnauthorizedError);
}

/** True if the server may know the newest revision and did not answer in time. */
export function mayBeSlow(error: unknown): boolean {
  return error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout;
}

/** The error that says what is wrong with a server that refused both. A newer server names the revisions that it knows. */
export function clearerError(probed: unknown, refused: unknown): unknown {
  return probed instanceof UnsupportedProtocolVersionError && !(refused instanceof UnauthorizedError)
    ? probed
    : refused;
}
