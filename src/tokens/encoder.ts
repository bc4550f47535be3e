/**
 * Encodes text as tokens: cuts it with the encoding's own regular expression and merges each piece. The result is that of
 * js-tiktoken's `encode(text, [], [])`: special tokens (`<|endoftext|>`) are plain text, because users may write them.
 * Synchronous, and linear except for the merge. The caller limits the length of texts.
 */
import { createMerger } from './merge.ts';
import type { RankTable } from './ranks.ts';

/** The encoder of one encoding. */
export interface Encoder {
  /** Number of tokens. */
  count(text: string): number;
  /** The tokens, for tests against the package. `count` allocates no list. */
  encode(text: string): number[];
}

/** The buffer for text up to this length (UTF-16 units) is reused. A longer one is freed after use. */
const keptTextUnits = 64 * 1024;

/** Most UTF-8 bytes of a UTF-16 unit. A lone surrogate becomes U+FFFD, which takes as many. */
const maxBytesPerUnit = 3;

/** Not reentrant and not for several threads: it has scratch memory and the position of the expression. */
export function createEncoder(table: RankTable): Encoder {
  const pieces = new RegExp(table.pattern, 'ug');
  const { merge } = createMerger(table);
  let kept: Buffer = Buffer.alloc(1024 * maxBytesPerUnit);

  function bufferFor(units: number): Buffer {
    const neededBytes = units * maxBytesPerUnit;
    if (neededBytes <= kept.length) return kept;
    const buffer = Buffer.allocUnsafeSlow(neededBytes);
    if (units <= keptTextUnits) kept = buffer;
    return buffer;
  }

  function run(text: string, out?: number[]): number {
    const bytes = bufferFor(text.length);
    const oneByteUnits = bytes.write(text) === text.length;
    let tokens = 0;
    let start = 0;
    let from = 0;
    // `test` moves lastIndex and allocates nothing. Every encoding's expression leaves no character
    // out and matches no empty string, so a piece starts where the last one ended.
    pieces.lastIndex = 0;
    while (pieces.test(text)) {
      const end = pieces.lastIndex;
      const to = oneByteUnits ? end : skipUnits(bytes, from, end - start);
      tokens += merge(bytes, from, to, out);
      start = end;
      from = to;
    }
    return tokens;
  }

  return {
    count: (text) => run(text),
    encode(text) {
      const out: number[] = [];
      run(text, out);
      return out;
    },
  };
}

/** The end of `units` UTF-16 units of text that is UTF-8 from `at`. Never inside a character. */
function skipUnits(bytes: Uint8Array, at: number, units: number): number {
  while (units > 0) {
    const lead = bytes[at] ?? 0;
    if (lead < 0x80) at += 1;
    else if (lead < 0xe0) at += 2;
    else if (lead < 0xf0) at += 3;
    else {
      at += 4;
      units -= 1;
    }
    units -= 1;
  }
  return at;
}
