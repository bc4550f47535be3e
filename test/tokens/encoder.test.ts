/**
 * Compares the encoder with js-tiktoken, token by token. Texts are short where the package is slow: its loop is quadratic in
 * an unbroken run.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Tiktoken } from 'js-tiktoken/lite';
import { createEncoder } from '../../src/tokens/encoder.ts';
import { loadRankSource } from '../../src/tokens/encodings.ts';
import type { EncodingName } from '../../src/tokens/encodings.ts';
import { buildRankTable } from '../../src/tokens/ranks.ts';
import { playsAll, sharedOut, today } from '../support/daily-sample.ts';

const words = [
  'the',
  'Parley',
  "don't",
  "WE'LL",
  'naïve',
  'tokenization',
  'HTTPServer2',
  'x',
  'Straße',
  'ﬁ',
  'ǅ',
  'e\u0301a\u0308',
];
const scripts = [
  '漢字かなまじり文',
  '안녕하세요',
  'Привет, мир',
  'مرحبا بالعالم',
  'नमस्ते दुनिया',
  'שלום עולם',
  'สวัสดีชาวโลก',
  'Ὅμηρος',
  '𐍈𝒜𠜎',
];
const emoji = ['😀', '👩‍👩‍👧‍👦', '🇩🇪', '👍🏽', '❤️', '#️⃣'];
const code = [
  'for (let i = 0; i < n; i++) {\n\t',
  'def f(x):\n    return x\n',
  '{"key": [1, 2.5e-3]}',
  '<|endoftext|>',
  '<div class="a">',
  '// ---\r\n',
  '\\x00\u0000',
];
const units = [
  ' ',
  '\n',
  '\t',
  '\r\n',
  '\u00a0',
  '\u3000',
  '=',
  '-',
  'a',
  'Ab',
  '9',
  '漢',
  '😀',
  '\u0301',
  "'",
  '/',
  '\ufeff',
];

const segment = fc.oneof(
  fc.constantFrom(...words, ...scripts, ...emoji, ...code),
  fc.constantFrom(...words).map((word) => ` ${word}`),
  fc.tuple(fc.constantFrom(...units), fc.integer({ min: 1, max: 40 })).map(([unit, times]) => unit.repeat(times)),
  fc.integer({ min: 0, max: 10 ** 12 }).map(String),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.base64String({ maxLength: 24 }),
  // Half of a surrogate pair, as a cut in the middle of one leaves it.
  fc.integer({ min: 0xd800, max: 0xdfff }).map((unit) => String.fromCharCode(unit)),
);
const text = fc.array(segment, { maxLength: 10, size: 'max' }).map((segments) => segments.join(''));

async function bothEncoders(encoding: EncodingName) {
  const source = await loadRankSource(encoding);
  // The package knows a special token, so that a test can show it is not taken for one.
  const theirs = new Tiktoken({ ...source, special_tokens: { '<|endoftext|>': 0 } });
  return { ours: createEncoder(buildRankTable(source)), theirs: (text: string) => theirs.encode(text, [], []) };
}

/** The package is slow: a usual run compares a part, another one each day. */
const comparison = playsAll ? { seed: 20_261_122, numRuns: 3000 } : { seed: today, numRuns: 750 };
const notToday = sharedOut(4);

for (const encoding of ['cl100k_base', 'o200k_base'] as const) {
  describe(`encoder of ${encoding}`, async () => {
    const { ours, theirs } = await bothEncoders(encoding);

    test('gives the tokens of js-tiktoken for mixed scripts, runs, code and broken text', () => {
      fc.assert(
        fc.property(text, (text) => {
          const expected = theirs(text);
          assert.deepEqual(ours.encode(text), expected);
          assert.equal(ours.count(text), expected.length);
        }),
        comparison,
      );
    });

    test('gives the tokens of js-tiktoken for unbroken runs and what repeats with a period', () => {
      const repeated = [...units, 'ab', 'the', 'ab\n', '漢字', 'é'];
      for (const unit of repeated.filter((_, at) => notToday(at) === false)) {
        for (const units of [255, 256, 257, 600]) {
          const run = unit.repeat(Math.ceil(units / unit.length)).slice(0, units);
          assert.deepEqual(ours.encode(run), theirs(run), `${JSON.stringify(unit)} to ${units} units`);
        }
      }
    });

    test('reads special tokens in a text as plain text', () => {
      assert.ok(ours.count('<|endoftext|>') > 1);
      assert.deepEqual(ours.encode('a<|endoftext|>b'), theirs('a<|endoftext|>b'));
    });

    test('counts no token in an empty text, and the same after a long text as before it', () => {
      assert.equal(ours.count(''), 0);
      const before = ours.encode('Same as before: 漢字.');
      ours.count('漢'.repeat(100_000));
      assert.deepEqual(ours.encode('Same as before: 漢字.'), before);
    });
  });
}

test('the encodings of older models agree with js-tiktoken too', async () => {
  for (const encoding of ['gpt2', 'r50k_base', 'p50k_base', 'p50k_edit'] as const) {
    const { ours, theirs } = await bothEncoders(encoding);
    for (const sample of [...words, ...scripts, ...emoji, ...code, '  \n  indented', '1234567']) {
      assert.deepEqual(ours.encode(sample), theirs(sample), `${encoding}: ${JSON.stringify(sample)}`);
    }
  }
});
