/** Checks the messages that the model gets for a chat with included prompts and resources. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageParts } from '../../../machines/context-window/included.ts';

const included = (...words: [role: string, text: string][]) => ({
  included: words.map(([role, text]) => ({ role, text, from: {} })),
});

test('a message that brings nothing along is its text alone', () => {
  assert.deepEqual(messageParts({ content: 'Hi', extra: {} }), [{ role: 'user', text: 'Hi', images: [] }]);
});

test('neighbouring included messages of one role are merged in order', () => {
  assert.deepEqual(
    messageParts({
      content: 'Hi',
      extra: included(['user', 'a'], ['user', ''], ['assistant', 'b'], ['assistant', 'c'], ['user', 'd']),
    }),
    [
      { role: 'user', text: 'a', images: [] },
      { role: 'assistant', text: 'b\n\nc', images: [] },
      { role: 'user', text: 'd\n\nHi', images: [] },
    ],
  );
});

test('words that say nothing are no message, which some models refuse', () => {
  assert.deepEqual(
    messageParts({ content: 'Hi', extra: included(['user', ''], ['assistant', ''], ['assistant', 'b']) }),
    [
      { role: 'assistant', text: 'b', images: [] },
      { role: 'user', text: 'Hi', images: [] },
    ],
  );
});

test('invalid included data of another program causes no failure', () => {
  for (const odd of [null, 'text', [7], {}])
    assert.deepEqual(messageParts({ content: null, extra: { included: odd } }), [
      { role: 'user', text: '', images: [] },
    ]);
});

test('images stay with the message of their role', () => {
  const image = { mimeType: 'image/png', data: 'AAAA' };
  assert.deepEqual(
    messageParts({
      content: 'Hi',
      extra: { included: [{ role: 'user', text: '', images: [image], from: {} }] },
    }),
    [{ role: 'user', text: 'Hi', images: [image] }],
  );
});
