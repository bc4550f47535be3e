/**
 * Defines the port that checks credentials, and limits how long a check may take.
 */
import { AppError } from '../errors.ts';

/** The subject of all conversations if the server requires no token. */
export const ANONYMOUS = 'anonymous';

/** The port. tokens.ts implements it. */
export interface Verifier {
  /**
   * The subject of a credential, or null if it is unknown. `credential` is null if the client sent none. May be slow; the
   * caller limits the time. Throws or rejects if it cannot check.
   */
  verify(credential: string | null): string | null | Promise<string | null>;
}

/** Verifies within a time limit. Rejects if the check fails or takes too long. */
export type Verify = (credential: string | null) => Promise<string | null>;

/** Adds a timeout to a verifier: an unauthenticated client must not wait for it without limit. */
export function withTimeout(verifier: Verifier, limitMs: number): Verify {
  return async (credential) => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () =>
        reject(
          new AppError('internal', `Checking a credential took longer than ${limitMs} ms (auth.verification_timeout).`),
        ),
      limitMs,
    );
    try {
      return await Promise.race([verifier.verify(credential), late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
