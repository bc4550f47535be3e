/** What an attack is given: chance, names, where to go and how it comes there, and somebody who counts. */
import { createNames, type Names } from './names.ts';
import { createRandom, type Random } from './random.ts';
import { bearer, type Tokens } from './tokens.ts';
import type { Questions } from './questions.ts';
import type { Target } from './raw-socket.ts';
import { createTrace, type Trace } from './violation.ts';

export interface AttackContext {
  readonly random: Random;
  readonly names: Names;
  /** The way in, with a token of one of the attackers where one is asked for. */
  readonly target: Target;
  /** Null where nobody is asked for a token. */
  readonly tokens: Tokens | null;
  /** Of all attackers together. */
  readonly questions: Questions;
  /** Another one than the honest clients', so that limits for an address do not strike them. */
  readonly localAddress: string;
  readonly trace: Trace;
  /** Its sockets end with it. */
  readonly signal: AbortSignal;
  /** Something of this kind has happened once more. */
  count(what: string): void;
}

/** Addresses that attacks come from: one alone has too few ports for thousands of connections a minute. */
const addresses = 32;

/** The same for the same seed and index, wherever and whenever. */
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
