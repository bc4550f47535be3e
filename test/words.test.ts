/** Checks that no file has more banned words than words-allowed.json says, and that its numbers only fall. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { compareWords, findAllWords, findWords, lowerAllowed, QUOTED, readAllowed } from './words.ts';

const found = findAllWords();

test('no file has banned words beyond the allowed number', { skip: found === null && 'needs a git checkout' }, () => {
  assert.deepEqual(found && compareWords(found, readAllowed()), []);
});

describe('the word check', () => {
  const wordsIn = (text: string) => findWords('a.ts', text).map(({ word, line }) => `${line} ${word}`);

  test('finds whole words in any case', () => {
    assert.deepEqual(wordsIn('Nobody knows.\nNo body: retold, doorway, wishbone.\nTELLS'), ['1 nobody', '3 tells']);
  });

  test('finds words of identifiers', () => {
    assert.deepEqual(wordsIn('toldAbout(laid_down)\nconst DOOR_MS = HTTPDoor;'), [
      '1 told',
      '1 laid down',
      '2 door',
      '2 door',
    ]);
  });

  test('finds phrases over a line break of a comment', () => {
    assert.deepEqual(wordsIn(' * It fails time and\n * again.\n// gone for\n// good'), [
      '1 time and again',
      '3 for good',
    ]);
  });

  test('leaves out phrases that mean something else', () => {
    assert.deepEqual(wordsIn('for good reason, the line ends here'), []);
  });

  test('leaves out quotations, each of which its file still has', () => {
    for (const { file, text } of QUOTED) {
      assert.deepEqual(findWords(file, text), []);
      assert.notDeepEqual(findWords('a.ts', text), []);
      assert.ok(readFileSync(join(import.meta.dirname, '..', file), 'utf8').includes(text), `${file}: ${text}`);
    }
  });

  test('names the place and the replacement of each word in a file with too many', () => {
    const words = new Map([['a.ts', findWords('a.ts', 'one stranger')]]);
    assert.deepEqual(compareWords(words, {}), [
      'a.ts may have 0 banned words:',
      '  a.ts:1: "stranger"; write instead: untrusted, unauthenticated',
    ]);
  });

  test('rejects a number that is too high, and says how to lower it', () => {
    assert.deepEqual(compareWords(new Map(), { 'a.ts': 2 }), [
      'a.ts has 0 banned words left, not 2: run `node test/words.ts --lower`.',
    ]);
  });

  test('lowers numbers and never raises one', () => {
    const words = new Map(['a.ts', 'b.ts', 'new/c.ts', 'd.ts'].map((file) => [file, findWords(file, 'anew, anew')]));
    assert.deepEqual(lowerAllowed(words, { 'a.ts': 5, 'b.ts': 1, 'old/c.ts': 3, 'gone.ts': 4 }), {
      'a.ts': 2,
      'b.ts': 1,
      'new/c.ts': 2,
    });
  });
});
