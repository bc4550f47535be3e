/** Tests that texts and arguments which a provider cannot store or encode are replaced, and all others kept. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validCalls, validText } from '../../../machines/context-window/valid-text.ts';

const callWith = (text: string, name = 'add') => [
  { id: 'abcdefghi', type: 'function' as const, function: { name, arguments: text } },
];
const argumentsOf = (text: string) => validCalls(callWith(text))[0]?.function.arguments;

describe('a text of a history', () => {
  it('has no NUL and no half of a pair', () => assert.equal(validText('a\0b\ud83d😀'), 'a\ufffdb\ufffd😀'));
});

describe('the arguments of a call in a history', () => {
  it('have neither in a value or a name, at any depth', () => {
    const text = JSON.stringify({ a: ['\0', { 'k\0': '\ud83d' }], b: '😀' });
    assert.deepEqual(JSON.parse(argumentsOf(text) ?? ''), { a: ['\ufffd', { 'k\ufffd': '\ufffd' }], b: '😀' });
  });

  it('keep the same text otherwise, also with an escaped backslash', () => {
    for (const text of ['{"a":1}', '{"a":"\\\\u0000"}', '{"a":"\\u00e9"}']) assert.equal(argumentsOf(text), text);
  });

  it('stay as they are if they are no JSON', () => assert.equal(argumentsOf('{"a":"\\u0000'), '{"a":"\\u0000'));

  it('are not copied if all are valid', () => {
    const calls = callWith('{"a":1}');
    assert.equal(validCalls(calls), calls);
  });
});
