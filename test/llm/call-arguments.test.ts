/** Checks arguments of tool calls in small pieces: the result, and the work that the pieces cost. Counts work, not time. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createCallArguments } from '../../src/llm/stream/call-arguments.ts';
import { createToolCallAssembly } from '../../src/llm/stream/tool-calls.ts';

const readingMethods = ['trim', 'trimStart', 'trimEnd', 'replace', 'search', 'match', 'indexOf', 'endsWith'] as const;

/** Counts the characters that string methods, regular expressions and `JSON.parse` get to read. */
function countCharsRead(t: TestContext): () => number {
  let chars = 0;
  for (const name of readingMethods) {
    const original = String.prototype[name];
    t.mock.method(String.prototype, name, function read(this: string, ...args: unknown[]): unknown {
      chars += this.length;
      return Reflect.apply(original, this, args);
    });
  }
  const { parse } = JSON;
  t.mock.method(JSON, 'parse', (text: string) => {
    chars += text.length;
    return parse(text);
  });
  const exec = RegExp.prototype.exec;
  t.mock.method(RegExp.prototype, 'exec', function read(this: RegExp, text: string) {
    chars += text.length;
    return exec.call(this, text);
  });
  return () => chars;
}

const pieces = 20_000;
const deep = `{"a":${'['.repeat(pieces)}${']'.repeat(pieces)}}`;
const small = deep.match(/.{1,3}/g) ?? [];

/** The ways in which providers name the call of a piece. */
const labels = {
  'by index': (first: boolean) => ({ index: 0, ...(first ? { id: 'c1' } : {}) }),
  'by the last call': (first: boolean) => (first ? { id: 'c1' } : {}),
  'with id and name again': () => ({ index: 0, id: 'c1' }),
  'with name again and no id': () => ({ index: 0 }),
};

describe('the pieces of one tool call', () => {
  for (const [how, labelled] of Object.entries(labels)) {
    it(`cost work in proportion to their length: ${how}`, (t) => {
      const charsRead = countCharsRead(t);
      const calls = createToolCallAssembly();
      const isRepeated = how.includes('again');
      small.forEach((piece, at) => {
        const name = at === 0 || isRepeated ? { name: 'add' } : {};
        assert.equal(calls.add([{ ...labelled(at === 0), function: { ...name, arguments: piece } }]), true);
      });
      const read = charsRead();
      t.mock.reset();
      assert.deepEqual(calls.calls(), [{ name: 'add', arguments: deep }]);
      assert.ok(read < 10 * deep.length, `${read} characters were read for ${deep.length}`);
    });
  }

  it('exceed the limit also if all of them are pieces of the name', () => {
    const calls = createToolCallAssembly();
    const name = 'n'.repeat(100_000);
    let count = 0;
    while (count < 100 && calls.add([{ index: 0, function: { name: `${name}${count}` } }])) count += 1;
    assert.ok(count < 50, `${count} pieces were accepted`);
  });
});

describe('arguments in pieces', () => {
  for (const { parts, text, isObject } of [
    { parts: [], text: '{}', isObject: false },
    { parts: [' ', '\n'], text: '{}', isObject: false },
    { parts: ['{', '}'], text: '{}', isObject: true },
    { parts: ['{}', '{"a":', '1}'], text: '{"a":1}', isObject: true },
    { parts: [' {', '} ', '{"a":1}'], text: '{"a":1}', isObject: true },
    { parts: ['{"a":"}'], text: '{"a":"}', isObject: false },
    { parts: ['{"a":"\\', '"}', '"}'], text: '{"a":"\\"}"}', isObject: true },
    { parts: ['{"a":1}', ' '], text: '{"a":1} ', isObject: true },
    { parts: ['{"a":1}', 'x'], text: '{"a":1}x', isObject: false },
    { parts: ['[1]'], text: '[1]', isObject: false },
    { parts: [']', '{}'], text: ']{}', isObject: false },
    { parts: ['null'], text: 'null', isObject: false },
  ]) {
    it(`are ${isObject ? 'an object' : 'no object'}: ${JSON.stringify(parts)}`, () => {
      const args = createCallArguments();
      for (const part of parts) {
        args.add(part);
        args.isObject();
      }
      assert.deepEqual([args.text(), args.isObject()], [text, isObject]);
    });
  }
});
