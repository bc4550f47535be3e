/**
 * The tokens of a run: in every other seed the server asks for one, and then the honest clients are one subject, the
 * attackers a few, and each address of a crowd is one of its own, so that no limit for a subject strikes another's.
 */
import { createToken, hashToken } from '../../src/auth/tokens.ts';

export interface Tokens {
  honest: string;
  attackers: readonly string[];
  crowds: readonly string[];
}

/** The same ids of conversations mean another one to each of them. */
const attackerSubjects = 4;
/** Addresses that crowds come from. */
export const crowdAddresses = 250;

/** Null where the seed leaves the base open. Tokens are made anew in each run: no attack turns on their letters. */
export function createTokens(seed: number): Tokens | null {
  if (Math.floor(seed) % 2 === 0) return null;
  const makeTokens = (count: number) => Array.from({ length: count }, () => createToken());
  return { honest: createToken(), attackers: makeTokens(attackerSubjects), crowds: makeTokens(crowdAddresses) };
}

/** The section `auth` of the server's configuration. */
export function authOf(tokens: Tokens | null): object {
  if (!tokens) return { mode: 'none' };
  const known = (name: string, values: readonly string[]) =>
    values.map((token, index) => ({ subject: `${name} ${index}`, sha256: hashToken(token) }));
  return {
    mode: 'token',
    tokens: [
      ...known('honest', [tokens.honest]),
      ...known('attacker', tokens.attackers),
      ...known('crowd', tokens.crowds),
    ],
  };
}

/** As a header of the handshake. */
export function bearer(token: string | null | undefined): string | null {
  return token === null || token === undefined ? null : `Authorization: Bearer ${token}`;
}
