/**
 * Checks that texts of MCP servers cost work in proportion to their length. An expression that reads a megabyte quadratically
 * holds the server up for minutes, so a fault here shows as a test that does not end.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createOutputTail } from '../../src/mcp/content/output-tail.ts';
import { sanitizeText } from '../../src/mcp/content/sanitize-text.ts';
import { readBase64 } from '../../src/mcp/lenient/base64.ts';
import { pathOf } from '../../src/mcp/oauth/same-server.ts';
import { secretFilterOf } from '../../src/mcp/secrets/secret-filter.ts';
import { createSchemaCheck } from '../../src/mcp/validation/schema-check.ts';

const LENGTH = 1_000_000;
const longOf = (piece: string) => `${piece.repeat(LENGTH / piece.length)}!`;

describe('a megabyte of an MCP server', () => {
  for (const piece of ['\u001b]8;;', '\u001b[', '\u009d', '\u001b', '\u200d', '#\ufe0f'])
    it(`is sanitized: ${JSON.stringify(piece)}`, () => assert.doesNotMatch(sanitizeText(longOf(piece)), /\p{Cc}/u));

  const filter = secretFilterOf({
    kind: 'http',
    url: 'https://mcp.example/?api_key=k-123456',
    headers: {},
  } as Parameters<typeof secretFilterOf>[0]);
  for (const piece of ['a.', '?key', '&', 'bearer ', 'basic\t', '://a'])
    it(`is searched for secrets: ${JSON.stringify(piece)}`, () =>
      assert.equal(filter.report(`${longOf(piece)} k-123456`).endsWith('! [secret]'), true));

  it('is no base64 for its padding', () => assert.equal(readBase64(longOf('=')), null));

  it('is compared as a path', () =>
    assert.equal(pathOf(new URL(`https://a.example${longOf('/')}`)).length, LENGTH + 1));

  it('is a line of its error output', () => {
    const tail = createOutputTail((line) => line);
    for (const piece of [' ', '^', '{ ', '\u001b]8;;']) tail.add(longOf(piece));
    assert.ok((tail.text() ?? '').length <= 1_000);
  });

  it('is the name of a property that its schema does not allow', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false };
    const { valid } = createSchemaCheck().validate(schema, { [longOf('#')]: 1 });
    assert.equal(valid, false);
  });
});
