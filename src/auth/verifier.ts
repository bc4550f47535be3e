/**
 * Who somebody is: the port behind which tokens, and whatever else may prove an identity, are checked.
 * Knows no sockets and no configuration.
 */
import { AppError } from '../errors.ts';

/** Where nobody is asked who they are, everything belongs to this one subject. */
export const ANONYMOUS = 'anonymous';

export interface Verifier {
  /**
   * The subject that a credential belongs to, or null if it is nobody's. A client that sent none is asked about
   * with null. May take its time, within the limit of its caller; throws or rejects when it cannot tell.
   */
  verify(credential: string | null): string | null | Promise<string | null>;
}

/** A verifier's answer in bounded time; rejects when there is none. */
export type Verify = (credential: string | null) => Promise<string | null>;

/** Asks a verifier, and rejects after `limitMs` without an answer: whoever waits for it is a stranger so far. */
export function withTimeout(verifier: Verifier, limitMs: number): Verify {
  return async (credential) => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new AppError('internal', `Checking a credential took longer than ${limitMs} ms.`)),
      limitMs,
    );
    try {
      return await Promise.race([verifier.verify(credential), late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
