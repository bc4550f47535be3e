/** Tests how a tool's result becomes text for the model. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cutMiddle, resultText } from '../../src/mcp/content/result-text.ts';

describe('the text of a result', () => {
  test('joins texts and describes what a model cannot read', () => {
    const text = resultText(
      {
        content: [
          { type: 'text', text: 'hello' },
          { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' },
          { type: 'resource', resource: { uri: 'file:///a.txt', text: 'inside' } },
          { type: 'resource', resource: { uri: 'file:///b.bin', blob: 'AAAA', mimeType: 'application/zip' } },
          { type: 'resource_link', uri: 'file:///c.md', name: 'c', mimeType: 'text/markdown' },
        ],
      },
      1_000,
    );

    assert.equal(
      text,
      'hello\n[audio: audio/wav, 3 bytes]\n[resource: file:///a.txt]\ninside\n[resource: file:///b.bin, application/zip, 3 bytes]\n[resource: c, text/markdown, file:///c.md]',
    );
  });

  test('has structured content as JSON only if the result has no text', () => {
    assert.equal(resultText({ content: [], structuredContent: { a: [1] } }, 100), '{"a":[1]}');
    assert.equal(resultText({ content: [{ type: 'text', text: 'one' }], structuredContent: { a: [1] } }, 100), 'one');
  });

  test('is never empty', () => {
    assert.equal(resultText({ content: [] }, 100), '[the tool returned nothing]');
  });
});

describe('a cut text', () => {
  test('keeps its head and its tail within the limit', () => {
    const cut = cutMiddle(`${'a'.repeat(5_000)}${'z'.repeat(5_000)}`, 200);
    assert.ok(cut.length <= 200);
    assert.match(cut, /^a+\n\[\.\.\. \d+ characters cut \.\.\.\]\nz+$/);
  });

  test('never splits a surrogate pair', () => {
    for (let limit = 60; limit < 80; limit += 1) assert.ok(cutMiddle('😀'.repeat(100), limit).isWellFormed());
  });
});
