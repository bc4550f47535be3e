/**
 * Generates repeatable random numbers: one stream for each pair of seed and index, so that one attack among thousands
 * can be replayed without the others. Good enough to vary frames, and for no other use.
 */

export interface Random {
  /** An integer; both bounds are included. */
  int(min: number, max: number): number;
  /** True with this probability. */
  chance(share: number): boolean;
  /** An element of a list that is not empty. */
  pick<Item>(items: readonly Item[]): Item;
  bytes(count: number): Buffer;
}

export function createRandom(seed: number, index: number): Random {
  // Neighbouring pairs must not give similar streams, so both go through the mixer first.
  let state = mix(mix(seed) ^ Math.imul(index + 1, GOLDEN_RATIO));
  const next = () => {
    state = (state + GOLDEN_RATIO) | 0;
    return (mix(state) >>> 0) / 2 ** 32;
  };
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    int,
    chance: (share) => next() < share,
    pick(items) {
      const item = items[int(0, items.length - 1)];
      if (item === undefined) throw new Error('there is nothing to pick from');
      return item;
    },
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => int(0, 255))),
  };
}

/** 2^32 divided by the golden ratio, odd: steps by it visit every 32-bit number once. */
const GOLDEN_RATIO = 0x9e3779b9;

/** The finalizer of MurmurHash3: each bit of the input turns about half of the output's. */
function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
