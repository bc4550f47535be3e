/**
 * Tests texts that are slow to tokenize: each text longer than `inlineBytes` is counted exactly in the thread.
 * `node test/bench/hostile-loop.ts` measures how long they block the event loop.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenCounter } from '../../src/tokens/counter.ts';
import { hostile } from '../bench/hostile-texts.ts';

const INLINE_BYTES = 4096;

test('a hostile text has the same count in the thread as on the loop, and a long one never blocks the loop', async () => {
  const delivered = createTokenCounter({ model: 'gpt-4o' });
  const inline = createTokenCounter({ model: 'gpt-4o', inlineBytes: 4 * 1024 * 1024 });
  const threaded = createTokenCounter({ model: 'gpt-4o', inlineBytes: 0 });
  await Promise.all([delivered.ready(), inline.ready()]);
  for (const [name, text] of Object.entries(hostile)) {
    const tokens = inline.count(text);
    assert.equal(typeof tokens, 'number', name);
    assert.equal(await threaded.count(text), tokens, name);
    assert.equal(typeof delivered.count(text), Buffer.byteLength(text) > INLINE_BYTES ? 'object' : 'number', name);
  }
  await Promise.all([delivered.close(), inline.close(), threaded.close()]);
});
