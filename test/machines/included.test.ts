/** What a message brings along, as a model is to read it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageParts } from '../../machines/context-window/included.ts';

const included = (...words: [role: string, text: string][]) => ({
  included: words.map(([role, text]) => ({ role, text, from: {} })),
});

test('a message that brings nothing along is its text alone', () => {
  assert.deepEqual(messageParts({ content: 'Hi', extra: {} }), [{ role: 'user', text: 'Hi' }]);
});

test('neighbours with one role are one message, in their order', () => {
  assert.deepEqual(
    messageParts({
      content: 'Hi',
      extra: included(['user', 'a'], ['user', ''], ['assistant', 'b'], ['assistant', 'c'], ['user', 'd']),
    }),
    [
      { role: 'user', text: 'a' },
      { role: 'assistant', text: 'b\n\nc' },
      { role: 'user', text: 'd\n\nHi' },
    ],
  );
});

test('words that say nothing are no message, which some models refuse', () => {
  assert.deepEqual(
    messageParts({ content: 'Hi', extra: included(['user', ''], ['assistant', ''], ['assistant', 'b']) }),
    [
      { role: 'assistant', text: 'b' },
      { role: 'user', text: 'Hi' },
    ],
  );
});

test('what another program may have written there is no reason to fail', () => {
  for (const odd of [null, 'text', [7], {}])
    assert.deepEqual(messageParts({ content: null, extra: { included: odd } }), [{ role: 'user', text: '' }]);
});
