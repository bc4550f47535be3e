/**
 * Byte-pair merging of one piece: the same tokens as js-tiktoken's loop, which scans all pairs
 * before each merge and so blocks for minutes on 20 KB of one letter. Here the parts are a linked
 * list and the pairs wait in a binary heap: O(n log n), whatever the text.
 * Owns its scratch memory and reuses it: one merger to a thread, and no call into another.
 *
 * `?? 0` on typed arrays is for the type checker: the indexes are in range by construction.
 */
import { extendHash, findRank, hashBase, noRank } from './ranks.ts';
import type { RankTable } from './ranks.ts';

export interface Merger {
  /** How many tokens `bytes[from, to)` is, at least one byte of it; with `out`, their ranks are appended to it. */
  merge(bytes: Uint8Array, from: number, to: number, out?: number[]): number;
}

/** A heap key is `rank * positions + position`, exact in a double: lowest rank first, then leftmost. */
const positions = 2 ** 24;

/** Scratch for pieces up to this size is kept; what a longer one needed (32 bytes a byte) is let go. */
const keptPieceBytes = 64 * 1024;
const firstPieceBytes = 256;

/** All indexed by a byte's position in the piece; a part is known by the position of its first byte. */
interface Scratch {
  /** `prefixes[i]` is the hash of the piece's first i bytes. */
  prefixes: Int32Array;
  /** Where the next part starts: the piece's length behind the last one. */
  next: Int32Array;
  previous: Int32Array;
  /** Rank of this part and the next one joined, or `noRank`; what a heap key must agree with to be current. */
  pairRanks: Int32Array;
  heap: Float64Array;
}

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

  /** Joins pairs until none is a token; returns how many parts are left. */
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
      // A key is stale once either of its parts was joined to another.
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
    // Fewer than one key a byte to begin with, and each merge takes one out and puts at most two in.
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

/** Adds a key at the free place `at` and lets it rise to where it belongs. */
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
