/**
 * Merges byte pairs of one piece. Gives the same tokens as js-tiktoken's loop, which scans all pairs before each merge and so
 * blocks for minutes on 20 KB of one letter. Here the parts are a linked list and the pairs are in a binary heap:
 * O(n log n) for every text. Reuses its scratch memory: one merger per thread, not reentrant.
 *
 * `?? 0` on typed arrays is for the type checker: the indexes are in range by construction.
 */
import { extendHash, findRank, hashBase, noRank } from './ranks.ts';
import type { RankTable } from './ranks.ts';

/** The merger of one rank table. Reuses its memory, so it works on one piece at a time. */
export interface Merger {
  /** The number of tokens of `bytes[from, to)`, which must not be empty. Appends their ranks to `out`. */
  merge(bytes: Uint8Array, from: number, to: number, out?: number[]): number;
}

/** A heap key is `rank * positions + position`, exact in a double: lowest rank first, then leftmost. */
const positions = 2 ** 24;

/** Scratch memory for pieces up to this size is kept. That of a longer piece (32 bytes per byte) is freed. */
const keptPieceBytes = 64 * 1024;
const firstPieceBytes = 256;

/** Indexed by the position of a byte in the piece. The position of its first byte identifies a part. */
interface Scratch {
  /** `prefixes[i]` is the hash of the piece's first i bytes. */
  prefixes: Int32Array;
  /** Where the next part starts. The piece's length for the last part. */
  next: Int32Array;
  previous: Int32Array;
  /** Rank of this part joined with the next one, or `noRank`. A heap key that differs from it is stale. */
  pairRanks: Int32Array;
  heap: Float64Array;
}

/** Creates the byte-pair merge for one table of ranks. */
export function createMerger(table: RankTable): Merger {
  const powers = new Int32Array(table.longestBytes + 1);
  powers[0] = 1;
  for (let i = 1; i < powers.length; i++) powers[i] = Math.imul(powers[i - 1] ?? 0, hashBase);
  let scratch = allocate(firstPieceBytes);

  /** Rank of the piece's bytes [start, end), where the piece begins at `from` in `bytes`. */
  function rankOf(bytes: Uint8Array, from: number, start: number, end: number): number {
    const length = end - start;
    if (length > table.longestBytes) return noRank;
    const { prefixes } = scratch;
    const hash = ((prefixes[end] ?? 0) - Math.imul(prefixes[start] ?? 0, powers[length] ?? 0)) | 0;
    return findRank(table, bytes, from + start, from + end, hash);
  }

  /** Joins pairs until none is a token. Returns the number of parts. */
  function mergeParts(bytes: Uint8Array, from: number, length: number): number {
    const { next, previous, pairRanks, heap } = scratch;
    let size = 0;
    for (let at = 0; at < length; at++) {
      next[at] = at + 1;
      previous[at] = at - 1;
      const rank = at + 2 <= length ? rankOf(bytes, from, at, at + 2) : noRank;
      pairRanks[at] = rank;
      if (rank !== noRank) heap[size++] = rank * positions + at;
    }
    for (let root = (size >> 1) - 1; root >= 0; root--) sink(heap, size, root);

    let parts = length;
    while (size > 0) {
      const key = heap[0] ?? 0;
      const rank = Math.floor(key / positions);
      const left = key - rank * positions;
      const right = next[left] ?? 0;
      heap[0] = heap[--size] ?? 0;
      sink(heap, size, 0);
      // A key is stale after one of its parts was joined with another.
      if (pairRanks[left] !== rank) continue;

      const after = next[right] ?? 0;
      next[left] = after;
      if (after < length) previous[after] = left;
      pairRanks[right] = noRank;
      parts -= 1;

      const rankAfter = after < length ? rankOf(bytes, from, left, next[after] ?? 0) : noRank;
      pairRanks[left] = rankAfter;
      if (rankAfter !== noRank) rise(heap, size++, rankAfter * positions + left);
      if (left > 0) {
        const before = previous[left] ?? 0;
        const rankBefore = rankOf(bytes, from, before, after);
        pairRanks[before] = rankBefore;
        if (rankBefore !== noRank) rise(heap, size++, rankBefore * positions + before);
      }
    }
    return parts;
  }

  return {
    merge(bytes, from, to, out) {
      const length = to - from;
      if (length > scratch.next.length) scratch = allocate(Math.max(length, scratch.next.length * 2));
      const { prefixes, next } = scratch;
      let hash = 0;
      for (let at = 0; at < length; at++) {
        hash = extendHash(hash, bytes[from + at] ?? 0);
        prefixes[at + 1] = hash;
      }
      // Most pieces of ordinary text are one token as they are.
      const whole = rankOf(bytes, from, 0, length);
      if (whole !== noRank) {
        out?.push(whole);
        return 1;
      }
      const count = mergeParts(bytes, from, length);
      if (out !== undefined) {
        for (let at = 0; at < length; at = next[at] ?? length) out.push(rankOf(bytes, from, at, next[at] ?? length));
      }
      if (next.length > keptPieceBytes) scratch = allocate(firstPieceBytes);
      return count;
    },
  };
}

function allocate(pieceBytes: number): Scratch {
  return {
    prefixes: new Int32Array(pieceBytes + 1),
    next: new Int32Array(pieceBytes),
    previous: new Int32Array(pieceBytes),
    pairRanks: new Int32Array(pieceBytes),
    // Fewer than one key per byte at first, and each merge removes one key and adds at most two.
    heap: new Float64Array(pieceBytes * 2),
  };
}

/** Restores the heap's order downwards from `at`. */
function sink(heap: Float64Array, size: number, at: number): void {
  const key = heap[at] ?? 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= size) break;
    if (child + 1 < size && (heap[child + 1] ?? 0) < (heap[child] ?? 0)) child += 1;
    const least = heap[child] ?? 0;
    if (least >= key) break;
    heap[at] = least;
    at = child;
  }
  heap[at] = key;
}

/** Adds a key at the free place `at` and moves it up to its place. */
function rise(heap: Float64Array, at: number, key: number): void {
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] ?? 0;
    if (above <= key) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = key;
}
