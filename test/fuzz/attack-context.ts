/** Creates what an attack needs: random numbers, ids, the target and its credential, a local address, and counters. */
import { createNames, type Names } from './names.ts';
import { createRandom, type Random } from './random.ts';
import { bearer, type Tokens } from './tokens.ts';
import type { Questions } from './questions.ts';
import type { Target } from './raw-socket.ts';
import { createTrace, type Trace } from './violation.ts';

export interface AttackContext {
  readonly random: Random;
  readonly names: Names;
  /** The server, with the token of an attacker if the run uses tokens. */
  readonly target: Target;
  /** Null if the run uses no tokens. */
  readonly tokens: Tokens | null;
  /** Shared by all attackers. */
  readonly questions: Questions;
  /** Different from the honest clients' address, so that limits of an address do not affect them. */
  readonly localAddress: string;
  readonly trace: Trace;
  /** Ends the sockets of the attack. */
  readonly signal: AbortSignal;
  /** Counts one more event of this kind. */
  count(what: string): void;
}

/** Local addresses of attacks. One alone has too few ports for thousands of connections a minute. */
const addresses = 32;

/** The result depends only on seed and index. */
export function createAttackContext(
  seed: number,
  index: number,
  base: Target,
  { signal, count, tokens, questions }: Pick<AttackContext, 'signal' | 'count' | 'tokens' | 'questions'>,
): AttackContext {
  const random = createRandom(seed, index);
  const target = { ...base, credential: bearer(tokens?.attackers[index % tokens.attackers.length]) };
  return {
    random,
    names: createNames(random, questions),
    target,
    tokens,
    questions,
    localAddress: `127.0.1.${1 + (index % addresses)}`,
    trace: createTrace(),
    signal,
    count,
  };
}
