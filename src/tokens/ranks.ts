/**
 * The rank table: every token of an encoding and its rank, flat in shared memory.
 * A worker thread builds it once from the package's text form; any thread then reads it
 * without a copy, a parse or an object per token (o200k_base: 7 MB, where a Map takes 72).
 * Reads only after the build: nothing here may write to a finished table.
 *
 * `?? 0` on typed arrays is for the type checker: the indexes are in range by construction.
 */

/** The part of a js-tiktoken rank module that counting needs. */
export interface RankSource {
  /** The regular expression that cuts text into pieces; no token crosses a cut. */
  pat_str: string;
  /** Lines of `! <first rank> <base64 token> <base64 token> ...`. */
  bpe_ranks: string;
}

/** Posting a table to another thread shares the memory; only this small object is copied. */
export interface RankTable {
  pattern: string;
  /** All tokens' bytes, end to end in order of rank. */
  tokens: Uint8Array<SharedArrayBuffer>;
  /** Where the token of each rank starts in `tokens`; it ends where the next one starts. */
  starts: Int32Array<SharedArrayBuffer>;
  /** Open addressing: pairs of (hash, rank + 1), with 0 in the second place of a free slot. */
  slots: Int32Array<SharedArrayBuffer>;
  /** No longer run of bytes can be a token, so none needs to be looked up. */
  longestBytes: number;
}

/** The result of `findRank` for bytes that are not a token. */
export const noRank = -1;

/**
 * Hashes are polynomials in this number modulo 2^32, so that the hash of any slice follows
 * from two prefix hashes: a merge looks up each slice at a cost that does not grow with it.
 */
export const hashBase = 0x01000193;

/** The hash of some bytes and one more behind them. */
export function extendHash(hash: number, byte: number): number {
  return (Math.imul(hash, hashBase) + byte + 1) | 0;
}

/** The rank of `bytes[from, to)`, whose hash is `hash`, or `noRank`. */
export function findRank(table: RankTable, bytes: Uint8Array, from: number, to: number, hash: number): number {
  const { slots } = table;
  const mask = slots.length - 1;
  for (let slot = firstSlot(hash, mask); ; slot = (slot + 2) & mask) {
    const rank = (slots[slot + 1] ?? 0) - 1;
    if (rank === noRank) return noRank;
    // A user can choose text whose hash collides, never what the table holds: compare the bytes.
    if (slots[slot] === hash && isToken(table, rank, bytes, from, to)) return rank;
  }
}

/** Builds the table: some 0.05 s of work, for a worker thread. */
export function buildRankTable(source: RankSource): RankTable {
  // Bytes, and no string a token: there are 200,000 of them, and this is most of a thread's start.
  const text = Buffer.from(source.bpe_ranks, 'latin1');
  const lines = linesOf(text);
  const rankCount = Math.max(...lines.map(({ first, count }) => first + count));

  const blob = new Uint8Array(Math.ceil(text.length * 0.75));
  const starts = new Int32Array(new SharedArrayBuffer((rankCount + 1) * Int32Array.BYTES_PER_ELEMENT));
  let rank = 0;
  let end = 0;
  for (const { first, count, from, to } of lines) {
    // Ranks between two groups belong to special tokens: empty here, never found.
    starts.fill(end, rank, first);
    end = decodeTokens(text, from, to, blob, end, starts, first);
    rank = first + count;
  }
  starts[rank] = end;

  const tokens = new Uint8Array(new SharedArrayBuffer(end));
  tokens.set(blob.subarray(0, end));
  return { pattern: source.pat_str, tokens, starts, ...indexTokens(tokens, starts) };
}

interface Line {
  /** The rank of its first token. */
  first: number;
  count: number;
  /** Where its tokens are in the text. */
  from: number;
  to: number;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;

function linesOf(text: Buffer): Line[] {
  const lines: Line[] = [];
  for (let at = 0, to; at < text.length; at = to + 1) {
    to = text.indexOf(NEWLINE, at);
    if (to < 0) to = text.length;
    if (to === at) continue;
    const number = text.indexOf(SPACE, at) + 1;
    const from = text.indexOf(SPACE, number) + 1;
    lines.push({ first: Number(text.toString('latin1', number, from)), count: countTokens(text, from, to), from, to });
  }
  return lines;
}

function countTokens(text: Uint8Array, from: number, to: number): number {
  let count = 1;
  for (let at = from; at < to; at++) if (text[at] === SPACE) count += 1;
  return count;
}

/** The six bits of each character of base64, by its code; the padding has none. */
const sixBits = new Int8Array(128).fill(-1);
for (const [bits, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  sixBits[character.charCodeAt(0)] = bits;

/** Writes the tokens of `text[from, to)` to `blob` from `end` on, and where each starts; returns where the last one ends. */
function decodeTokens(
  text: Uint8Array,
  from: number,
  to: number,
  blob: Uint8Array,
  end: number,
  starts: Int32Array,
  rank: number,
): number {
  let held = 0;
  let heldBits = 0;
  starts[rank] = end;
  for (let at = from; at < to; at++) {
    const code = text[at] ?? 0;
    if (code === SPACE) {
      starts[++rank] = end;
      heldBits = 0;
      continue;
    }
    const bits = sixBits[code] ?? -1;
    if (bits < 0) continue;
    held = (held << 6) | bits;
    heldBits += 6;
    if (heldBits < 8) continue;
    heldBits -= 8;
    blob[end++] = held >> heldBits;
  }
  return end;
}

function indexTokens(tokens: Uint8Array, starts: Int32Array): Pick<RankTable, 'slots' | 'longestBytes'> {
  const rankCount = starts.length - 1;
  // At most half full, so that a miss, the common case of a merge, ends after a step or two.
  const slotCount = 2 ** Math.ceil(Math.log2(rankCount * 2));
  const slots = new Int32Array(new SharedArrayBuffer(slotCount * 2 * Int32Array.BYTES_PER_ELEMENT));
  const mask = slots.length - 1;
  let longestBytes = 0;
  for (let rank = 0; rank < rankCount; rank++) {
    const start = starts[rank] ?? 0;
    const end = starts[rank + 1] ?? 0;
    if (start === end) continue;
    longestBytes = Math.max(longestBytes, end - start);
    let hash = 0;
    for (let at = start; at < end; at++) hash = extendHash(hash, tokens[at] ?? 0);
    let slot = firstSlot(hash, mask);
    while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
    slots[slot] = hash;
    slots[slot + 1] = rank + 1;
  }
  return { slots, longestBytes };
}

/** The high bits of a polynomial are its best mixed ones; fold them down before cutting. Always even. */
function firstSlot(hash: number, mask: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((mixed ^ (mixed >>> 13)) << 1) & mask;
}

function isToken(table: RankTable, rank: number, bytes: Uint8Array, from: number, to: number): boolean {
  const { tokens, starts } = table;
  const start = starts[rank] ?? 0;
  if ((starts[rank + 1] ?? 0) - start !== to - from) return false;
  for (let at = from; at < to; at++) {
    if (bytes[at] !== tokens[start + at - from]) return false;
  }
  return true;
}
