/** Checks the redacted copy of any value. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { redacted } from '../../src/inspect/redaction.ts';

test('a redacted copy keeps names, kinds and numbers, replaces texts by their length, and leaves out arguments and results', () => {
  const event = {
    type: 'client.chat',
    requestId: 'r1',
    text: 'secret',
    hops: 2,
    tag: { of: 'message' },
    arguments: { secret: 1 },
    message: 'secret',
    tools: new Map([['secret', 1]]),
  };
  assert.deepEqual(redacted(event, { includeContent: false, maxChars: 1000 }), {
    type: 'client.chat',
    requestId: 'r1',
    text: '[6 characters]',
    hops: 2,
    tag: { of: 'message' },
    arguments: '[redacted]',
    message: '[6 characters]',
    tools: '[1 entries]',
  });
});

test('a redacted copy treats a very long name as text', () => {
  assert.deepEqual(redacted({ name: 'n'.repeat(200) }, { includeContent: false, maxChars: 1000 }), {
    name: '[200 characters]',
  });
});

test('a redacted copy of any value stays near its size limit', () => {
  const nested = (depth: number): unknown => (depth === 0 ? 'end' : { down: nested(depth - 1) });
  const large = {
    texts: Array.from({ length: 1000 }, () => 'word '.repeat(1000)),
    deep: nested(5000),
    wide: Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`key${index}`, index])),
  };
  const check = (value: unknown, texts: boolean) => {
    const text = JSON.stringify(redacted(value, { includeContent: texts, maxChars: 1000 }));
    // The last string may go beyond the limit, and JSON writes a character as six.
    assert.ok(text.length < 6 * (1000 + 500) + 1000, `${text.length} characters`);
  };
  for (const texts of [false, true]) check(large, texts);
  fc.assert(fc.property(fc.object({ maxDepth: 8 }), fc.boolean(), check), { seed: 8, numRuns: 300 });
});
