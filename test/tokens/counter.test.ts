/** Tests the counter: inline counts, the cache, and estimates. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Tiktoken } from 'js-tiktoken/lite';
import cl100k from 'js-tiktoken/ranks/cl100k_base';
import o200k from 'js-tiktoken/ranks/o200k_base';
import { createTokenCounter, estimateTokens } from '../../src/tokens/counter.ts';
import type { TokenCounter, TokenCounterOptions } from '../../src/tokens/counter.ts';

const counterModule = new URL('../../src/tokens/counter.ts', import.meta.url).href;

async function withCounter(options: TokenCounterOptions, use: (counter: TokenCounter) => Promise<void>): Promise<void> {
  const counter = createTokenCounter(options);
  try {
    await use(counter);
  } finally {
    await counter.close();
  }
}

describe('token counter', () => {
  test('promises a count until the ranks are loaded, then gives short texts at once', () =>
    withCounter({ model: 'gpt-4o' }, async (counter) => {
      const early = counter.count('hello world');
      assert.ok(early instanceof Promise);
      assert.equal(await early, 2);
      await counter.ready();
      assert.equal(counter.count('hello there, world'), 4);
    }));

  test('takes the encoding of the model, and the newest for a model it does not know', async () => {
    const text = 'Привет, 漢字 tokenization';
    const expected = {
      cl100k: new Tiktoken(cl100k).encode(text).length,
      o200k: new Tiktoken(o200k).encode(text).length,
    };
    assert.notEqual(expected.cl100k, expected.o200k);
    const counts: Record<string, number> = {};
    for (const model of ['gpt-4', 'openai/gpt-4', 'gpt-4o', 'llama-9-unheard-of', '']) {
      await withCounter({ model }, async (counter) => {
        counts[model] = await counter.count(text);
      });
    }
    assert.deepEqual(counts, {
      'gpt-4': expected.cl100k,
      'openai/gpt-4': expected.cl100k,
      'gpt-4o': expected.o200k,
      'llama-9-unheard-of': expected.o200k,
      '': expected.o200k,
    });
  });

  test('counts a text over inlineBytes in the thread, and by its bytes, not its characters', () =>
    withCounter({ model: 'gpt-4o', inlineBytes: 60 }, async (counter) => {
      await counter.ready();
      assert.equal(typeof counter.count('a'.repeat(60)), 'number');
      assert.equal(typeof counter.count('漢'.repeat(20)), 'number');
      assert.ok(counter.count('b'.repeat(61)) instanceof Promise);
      const long = counter.count('漢'.repeat(21));
      assert.ok(long instanceof Promise);
      assert.equal(await long, 21);
    }));

  test('remembers a long text, and forgets the oldest when it has more than cacheEntries', () =>
    withCounter({ model: 'gpt-4o', cacheEntries: 2, inlineBytes: 0 }, async (counter) => {
      const texts = ['first', 'second', 'third'].map((word) => `${word} `.repeat(1000));
      for (const text of texts) await counter.count(text);
      const [first = '', second = '', third = ''] = texts;
      assert.equal(counter.count(second), 1001);
      assert.equal(counter.count(third), 1001);
      assert.ok(counter.count(first) instanceof Promise);
    }));

  test('estimates a text that is too long to be worth counting, without the thread', () =>
    withCounter({ model: 'gpt-4o' }, async (counter) => {
      const text = 'é'.repeat(512 * 1024 + 1);
      assert.equal(counter.count(text), estimateTokens(text));
      assert.equal(estimateTokens(text), Math.ceil((text.length * 2) / 3));
    }));

  test('estimates what its queue has no room for, and never rejects', () =>
    withCounter({ model: 'gpt-4o' }, async (counter) => {
      const texts = Array.from({ length: 1100 }, (_, index) => `text number ${index}`);
      const counts = await Promise.all(texts.map((text) => counter.count(text)));
      assert.equal(counts[0], 4);
      assert.equal(counts[1099], estimateTokens('text number 1099'));
    }));

  test('closed, still counts short texts and estimates long ones', () =>
    withCounter({ model: 'gpt-4o' }, async (counter) => {
      await counter.ready();
      const long = 'waiting '.repeat(5000);
      const waiting = counter.count(long);
      await counter.close();
      assert.equal(await waiting, estimateTokens(long));
      assert.equal(counter.count('hello world'), 2);
      assert.equal(await counter.count(`${long}.`), estimateTokens(`${long}.`));
      await counter.ready();
    }));

  test('closed before it was ever used, is ready at once', () =>
    withCounter({ model: 'gpt-4o' }, async (counter) => {
      await counter.close();
      await counter.ready();
      assert.equal(await counter.count('hello world'), estimateTokens('hello world'));
    }));

  test('lets the process exit once it is closed', async () => {
    const program = `
      const { createTokenCounter } = await import(${JSON.stringify(counterModule)});
      const counter = createTokenCounter({ model: 'gpt-4o' });
      const tokens = await counter.count('hello world');
      await counter.close();
      process.stdout.write(String(tokens));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 90_000,
    });
    assert.equal(stdout, '2');
  });
});
