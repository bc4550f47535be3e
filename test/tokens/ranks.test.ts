/** Compares the rank table with the package's text: every token of every encoding, at its rank. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadRankSource } from '../../src/tokens/encodings.ts';
import { buildRankTable, extendHash, findRank, noRank } from '../../src/tokens/ranks.ts';
import type { RankTable } from '../../src/tokens/ranks.ts';

function lookUp(table: RankTable, bytes: Uint8Array): number {
  return findRank(table, bytes, 0, bytes.length, bytes.reduce(extendHash, 0));
}

// p50k_base has a rank without a token in its middle, kept free for a special one.
for (const encoding of ['gpt2', 'r50k_base', 'p50k_base', 'p50k_edit', 'cl100k_base', 'o200k_base'] as const) {
  test(`the table of ${encoding} has every token at its rank, and nothing else`, async () => {
    const source = await loadRankSource(encoding);
    const table = buildRankTable(source);
    const tokens = new Set<string>();
    const misplaced: string[] = [];
    for (const line of source.bpe_ranks.split('\n')) {
      const [, first, ...ofLine] = line.split(' ');
      for (const [index, token] of ofLine.entries()) {
        tokens.add(token);
        if (lookUp(table, Buffer.from(token, 'base64')) !== Number(first) + index) misplaced.push(token);
      }
    }
    assert.deepEqual(misplaced, []);
    assert.equal(table.slots.filter((value, index) => index % 2 === 1 && value !== 0).length, tokens.size);
    assert.equal(lookUp(table, Buffer.from('no such token')), noRank);
    assert.equal(lookUp(table, Buffer.alloc(0)), noRank);
  });
}
