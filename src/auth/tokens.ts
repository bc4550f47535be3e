/**
 * Creates and verifies tokens: random strings that identify a subject. The server stores only their hashes. A plain
 * hash is enough: slow, salted hashes protect passwords that can be guessed, but 256 random bits cannot be guessed.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Verifier } from './verifier.ts';

/** One entry of `auth.tokens`. */
export interface KnownToken {
  subject: string;
  /** SHA-256 of the token: 64 hex digits, or 43 characters of base64url. */
  sha256: string;
}

const RANDOM_BYTES = 32;
/** Lets people and secret scanners recognize a token. */
const PREFIX = 'parley_';

const HEX_DIGITS = 64;

/** The 32 bytes of a SHA-256 in hex or base64url. */
export function digestOf(sha256: string): Buffer {
  return Buffer.from(sha256, sha256.length === HEX_DIGITS ? 'hex' : 'base64url');
}

/** Creates a verifier that accepts the tokens with these hashes. */
export function createTokenVerifier(tokens: readonly KnownToken[]): Verifier {
  const known = tokens.map(({ subject, sha256 }) => ({ subject, digest: digestOf(sha256) }));
  return {
    verify(credential) {
      // Its hash is public knowledge: an unset variable of a script gives it.
      if (credential === null || credential === '') return null;
      const digest = digestOf(hashToken(credential));
      let subject: string | null = null;
      // Compares all of them, each in constant time, so that the duration reveals nothing about a guess.
      for (const each of known) if (timingSafeEqual(each.digest, digest)) subject = each.subject;
      return subject;
    },
  };
}

/** A new token. Its characters are valid in a header and in a WebSocket subprotocol. */
export function createToken(): string {
  return `${PREFIX}${randomBytes(RANDOM_BYTES).toString('base64url')}`;
}

/** SHA-256 of a token as 64 hex digits. */
export function hashToken(token: string): string {
  return hash('sha256', token);
}
