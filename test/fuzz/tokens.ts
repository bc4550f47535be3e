/**
 * Creates the tokens of a run. With an odd seed the server requires tokens. The honest clients are then one subject,
 * the attackers a few, and each address of a crowd is its own. So no limit of a subject affects another.
 */
import { createToken, hashToken } from '../../src/auth/tokens.ts';

export interface Tokens {
  honest: string;
  attackers: readonly string[];
  crowds: readonly string[];
}

/** The same conversation id means a different conversation to each of them. */
const attackerSubjects = 4;
/** Number of local addresses of crowds. */
export const crowdAddresses = 250;

/** Returns null for an even seed. Tokens are new in each run: no attack depends on their letters. */
export function createTokens(seed: number): Tokens | null {
  if (Math.floor(seed) % 2 === 0) return null;
  const makeTokens = (count: number) => Array.from({ length: count }, () => createToken());
  return { honest: createToken(), attackers: makeTokens(attackerSubjects), crowds: makeTokens(crowdAddresses) };
}

/** Returns the section `auth` of the server's configuration. */
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

/** Formats a token as a header of the handshake; null for none. */
export function bearer(token: string | null | undefined): string | null {
  return token === null || token === undefined ? null : `Authorization: Bearer ${token}`;
}
