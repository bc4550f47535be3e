/**
 * The tokens of a run: in every other seed the server asks for one, and then the honest clients are one subject, the
 * attackers a few, and each address of a crowd is one of its own, so that no limit for a subject strikes another's.
 */
import { createToken, hashToken } from '../../src/auth/tokens.ts';

export interface Passes {
  honest: string;
  attackers: readonly string[];
  crowds: readonly string[];
}

/** The same ids of conversations mean another one to each of them. */
const attackerSubjects = 4;
/** Addresses that crowds come from. */
export const crowdAddresses = 250;

/** Null where the seed leaves the door open. Tokens are made anew in each run: no assault turns on their letters. */
export function createPasses(seed: number): Passes | null {
  if (Math.floor(seed) % 2 === 0) return null;
  const tokens = (count: number) => Array.from({ length: count }, () => createToken());
  return { honest: createToken(), attackers: tokens(attackerSubjects), crowds: tokens(crowdAddresses) };
}

/** The section `auth` of the server's configuration. */
export function authOf(passes: Passes | null): object {
  if (!passes) return { mode: 'none' };
  const known = (name: string, tokens: readonly string[]) =>
    tokens.map((token, index) => ({ subject: `${name} ${index}`, sha256: hashToken(token) }));
  return {
    mode: 'token',
    tokens: [
      ...known('honest', [passes.honest]),
      ...known('attacker', passes.attackers),
      ...known('crowd', passes.crowds),
    ],
  };
}

/** As a header of the handshake. */
export function bearer(token: string | null | undefined): string | null {
  return token === null || token === undefined ? null : `Authorization: Bearer ${token}`;
}
