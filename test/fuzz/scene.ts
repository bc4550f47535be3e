/** What an assault is given: chance, names, where to go and how it comes there, and somebody who counts. */
import { createNames, type Names } from './names.ts';
import { createRandom, type Random } from './random.ts';
import type { Target } from './raw-socket.ts';
import { createTrace, type Trace } from './trace.ts';

export interface Scene {
  readonly random: Random;
  readonly names: Names;
  readonly target: Target;
  /** Another one than the honest clients', so that limits for an address do not strike them. */
  readonly localAddress: string;
  readonly trace: Trace;
  /** Its sockets end with it. */
  readonly signal: AbortSignal;
  /** Something of this kind has happened once more. */
  count(what: string): void;
}

/** Addresses that assaults come from: one alone has too few ports for thousands of connections a minute. */
const addresses = 32;

/** The same for the same seed and index, wherever and whenever. */
export function createScene(seed: number, index: number, target: Target, { signal, count }: Pick<Scene, 'signal' | 'count'>): Scene {
  const random = createRandom(seed, index);
  return { random, names: createNames(random), target, localAddress: `127.0.1.${1 + (index % addresses)}`, trace: createTrace(), signal, count };
}
