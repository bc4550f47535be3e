/** Tests the filter of untrusted texts, and the borders where it is applied. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sanitizeMessage } from '../../src/llm/stream/provider-error.ts';
import {
  completionOf,
  filledOf,
  isListablePrompt,
  partsOf,
  promptOf,
  resourceOf,
} from '../../src/mcp/content/prompt-and-resource.ts';
import { isPresentable, sanitizeText, sanitizeToLine } from '../../src/mcp/content/sanitize-text.ts';
import { readInputRequest } from '../../src/mcp/server-requests/input-request.ts';

const limits = { maxDescriptionChars: 100, maxQuestionBytes: 10_000 };
const HIDDEN = '\u001b[31m\u202e\u{e0041}\u200b\ufe00\u{e0101}\u00ad\u3164\u2066';

describe('sanitizeText', () => {
  for (const [what, text, clean] of [
    ['a terminal sequence', '\u001b[31mred\u001b[0m', 'red'],
    ['direction marks', 'a\u202eb\u2066c\u200fd', 'abcd'],
    ['tag characters', 'a\u{e0041}\u{e0042}b', 'ab'],
    ['zero-width characters', 'a\u200bb\u200dc\u200cd\u2060e\ufeff', 'abcde'],
    ['variation selectors that hide bytes', `a${'\ufe00\ufe01\ufe0f'}b\u{e0100}\u{e01ef}`, 'ab'],
    ['a second selector behind an emoji', '❤\ufe0f\ufe0f\ufe0e', '❤\ufe0f'],
    ['a selector behind a digit', '1\ufe0f2\ufe0e', '12'],
    ['fillers and soft hyphens', 'a\u00adb\u3164c\u115fd\u034fe\uffa0', 'abcde'],
    ['half a surrogate pair', 'a\ud800', 'a\ufffd'],
  ] as const) {
    test(`removes ${what}`, () => assert.equal(sanitizeText(text), clean));
  }

  for (const [what, text] of [
    ['an emoji with its selector', 'I ❤️ it ☺︎'],
    ['a family of joined emoji', '👨‍👩‍👧‍👦'],
    ['a joined emoji with skin tone', '👩🏽‍🚀 🏳️‍🌈 ❤️‍🔥'],
    ['a keycap', '1️⃣ #️⃣'],
    ['a flag', '🇦🇹'],
    ['joiners of Persian and Devanagari', 'می‌خواهم क्‍ष'],
    ['tabs, newlines and accents', 'a\tb\nc e\u0301'],
  ] as const) {
    test(`keeps ${what}`, () => assert.equal(sanitizeText(text), text));
  }
});

describe('names, titles and URIs of prompts and resources', () => {
  test('lose what hides, and line breaks', () => {
    const resource = resourceOf({ uri: 'memo://a', name: `${HIDDEN}a\n- b`, title: `${HIDDEN}T` }, 100);
    assert.deepEqual([resource.name, resource.title], ['a - b', 'T']);
    assert.equal(promptOf({ name: 'p', title: `T${HIDDEN}` }, 100).title, 'T');
    assert.equal(sanitizeToLine('a\u2028b\r\nc', 100), 'a b c');
  });

  test('make an entry unlistable if the server knows it by a text that hides something', () => {
    assert.ok(!isPresentable(`memo://a${HIDDEN}`) && !isPresentable('memo://a\nb') && isPresentable('memo://ä'));
    assert.ok(
      !isListablePrompt({ name: 'p\u200b' }) && !isListablePrompt({ name: 'p', arguments: [{ name: '\u202ea' }] }),
    );
    assert.ok(isListablePrompt({ name: 'p', arguments: [{ name: 'a' }] }));
  });

  test('are clean in contents and completions too', () => {
    const [part] = partsOf({ contents: [{ uri: `memo://a${HIDDEN}`, mimeType: `text/plain${HIDDEN}`, text: 'x' }] });
    assert.deepEqual([part?.uri, part?.mimeType], ['memo://a', 'text/plain']);
    assert.deepEqual(completionOf({ completion: { values: ['a', 'b\u202e'] } }).values, ['a']);
    const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: `x${HIDDEN}` } }];
    assert.equal(filledOf({ messages }, 100).messages[0]?.text, 'x');
  });
});

describe('a form of a server', () => {
  const form = (requestedSchema: Record<string, unknown>) =>
    readInputRequest({ method: 'elicitation/create', params: { message: 'Fill in', requestedSchema } }, limits);

  test('has clean titles, descriptions and names of choices', () => {
    const properties = {
      a: { type: 'string', title: `A${HIDDEN}`, description: `B${HIDDEN}`, enum: ['x'], enumNames: [`X${HIDDEN}`] },
    };
    assert.deepEqual(form({ type: 'object', properties }), {
      kind: 'form',
      message: 'Fill in',
      schema: {
        type: 'object',
        properties: { a: { type: 'string', title: 'A', description: 'B', enum: ['x'], enumNames: ['X'] } },
      },
    });
  });

  test('is not shown if a field or a choice hides something', () => {
    assert.equal(form({ properties: { [`pin${HIDDEN}`]: { type: 'string' } } }), null);
    assert.equal(form({ properties: { a: { enum: ['yes', `no${HIDDEN}`] } } }), null);
    assert.equal(form({ properties: { a: { oneOf: [{ const: `no${HIDDEN}` }] } } }), null);
  });

  test('is not shown if it is deeper than 64 levels', () => {
    let deep: Record<string, unknown> = {};
    for (let level = 0; level < 2000; level += 1) deep = { a: deep };
    assert.equal(form(deep), null);
  });
});

describe('a page that a server wants opened', () => {
  const urlOf = (url: string) => {
    const read = readInputRequest(
      { method: 'elicitation/create', params: { mode: 'url', message: 'Open', url } },
      limits,
    );
    return read?.kind === 'url' ? read.url : null;
  };

  for (const [url, shown] of [
    ['https://bank.example/a?b=c', 'https://bank.example/a?b=c'],
    ['http://127.0.0.1:3000/', 'http://127.0.0.1:3000/'],
    ['https://bаnk.example/', 'https://xn--bnk-6cd.example/'],
    ['https://bank.example@evil.example/', null],
    ['https://user:password@bank.example/', null],
    ['http://169.254.169.254/latest', null],
    ['http://2852039166/latest', null],
    ['http://[fe80::1]/', null],
    ['http://[::ffff:169.254.169.254]/', null],
    ['javascript:alert(1)', null],
  ] as const) {
    test(`is ${shown ?? 'not shown'} for ${url}`, () => assert.equal(urlOf(url), shown));
  }
});

test("a provider's message loses what hides", () => {
  assert.equal(
    sanitizeMessage(`Bad\u001b[31m re${HIDDEN}quest`, (each) => each),
    'Bad request',
  );
});
