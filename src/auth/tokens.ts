/**
 * Tokens: random strings that prove a subject, of which the server keeps hashes alone. A plain hash is
 * enough: slow, salted ones protect words that people choose and others can guess, and nobody guesses
 * 256 random bits.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Verifier } from './verifier.ts';

export interface KnownToken {
  subject: string;
  /** SHA-256 of the token: 64 hex digits, or 43 characters of base64url. */
  sha256: string;
}

const RANDOM_BYTES = 32;
/** Tells people, and programs that search code for secrets, what they have found. */
const PREFIX = 'parley_';

const HEX_DIGITS = 64;

/** The 32 bytes of a SHA-256 that is written in hex or base64url. */
export function digestOf(sha256: string): Buffer {
  return Buffer.from(sha256, sha256.length === HEX_DIGITS ? 'hex' : 'base64url');
}

/** Knows the tokens with these hashes and nobody else. */
export function createTokenVerifier(tokens: readonly KnownToken[]): Verifier {
  const known = tokens.map(({ subject, sha256 }) => ({ subject, digest: digestOf(sha256) }));
  return {
    verify(credential) {
      if (credential === null) return null;
      const digest = digestOf(hashToken(credential));
      let subject: string | null = null;
      // All of them, each in constant time: how long it takes tells nothing of how near a guess was.
      for (const each of known) if (timingSafeEqual(each.digest, digest)) subject = each.subject;
      return subject;
    },
  };
}

/** A new token. Its characters fit a header and a WebSocket subprotocol as they are. */
export function createToken(): string {
  return `${PREFIX}${randomBytes(RANDOM_BYTES).toString('base64url')}`;
}

/** SHA-256 of a token, 64 hex digits. */
export function hashToken(token: string): string {
  return hash('sha256', token);
}
