/**
 * Checks that texts of providers cost work in proportion to their length. An expression that reads a megabyte quadratically
 * holds the server up for minutes, so a fault here shows as a test that does not end.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { APIError } from 'openai/error';
import { readNamedLimit } from '../../src/llm/stream/context-limit.ts';
import { changeFor, readRejection } from '../../src/llm/stream/adapted-request.ts';
import { classify, readProviderError, sanitizeMessage } from '../../src/llm/stream/provider-error.ts';
import { createReasoningTags } from '../../src/llm/stream/reasoning-tags.ts';

const LENGTH = 1_000_000;
const pieces = [
  '1',
  '1,',
  ' ',
  '<',
  '<script',
  'tool ',
  'tools 1 ',
  'image not ',
  'not support ',
  '"',
  '\u001b]8;;',
  'a.',
];

describe('a megabyte of a provider', () => {
  for (const piece of pieces) {
    const text = piece.repeat(LENGTH / piece.length);

    it(`in an error, of ${JSON.stringify(piece)}, is classified`, () => {
      for (const status of [null, 400, 403, 404, 413, 429]) {
        const error = readProviderError({ message: text, code: text }, status);
        assert.ok(error.message.length <= 4_000);
        assert.match(classify(error, 'gpt-4o'), /^provider_/);
      }
      assert.equal(readNamedLimit({}, `${text} tokens?`), null);
      assert.ok(sanitizeMessage(text, (each) => each).length <= 300);
    });

    it(`in a rejection, of ${JSON.stringify(piece)}, is searched for causes`, () => {
      const tools = Array.from({ length: 128 }, (_, at) => ({ type: 'function', function: { name: `tool_${at}` } }));
      const messages = [{ role: 'user', content: 'Look', images: [{ mimeType: 'image/png', data: '' }] }];
      const rejection = readRejection(
        new APIError(400, { message: text, param: text }, undefined, new Headers()),
        (name) => name,
      );
      assert.ok(rejection !== null);
      changeFor(rejection, { model: 'm', temperature: 1, seed: 1, tools, messages }, []);
    });
  }

  it('of white space behind an opening tag, in pieces of one character, is dropped', () => {
    const parts: string[] = [];
    const tags = createReasoningTags('auto', {
      text: (part) => void parts.push(part),
      reasoning: (part) => void parts.push(`[${part}]`),
      textWasReasoning: () => {},
    });
    tags.add('<think>');
    for (let at = 0; at < LENGTH; at += 1) tags.add(' ');
    for (const piece of ['Hm', '</think>', '4']) tags.add(piece);
    tags.end();
    assert.deepEqual(parts, ['[Hm]', '4']);
  });
});
