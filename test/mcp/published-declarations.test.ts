/**
 * Checks that published MCP servers can be used as they are delivered: no API refuses a tool as Parley declares it. The servers
 * among the development dependencies are started; the others are in the results that published/record.ts has written.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { APIS, refusedBy, type Api } from '../support/declaration-rules.ts';
import { judge, type Judged } from './published/judge.ts';

const folder = join(import.meta.dirname, '..', '..', 'node_modules');
const recorded: Judged[] = JSON.parse(readFileSync(join(import.meta.dirname, 'published', 'results.json'), 'utf8'));

const inDevelopment: [name: string, args: string[]][] = [
  ['@modelcontextprotocol/server-everything', ['stdio']],
  ['@modelcontextprotocol/server-filesystem', [tmpdir()]],
];

describe('a published server', () => {
  for (const [name, args] of inDevelopment) {
    it(`${name} has only tools that each API takes`, async () => {
      const { version } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'));
      const server = { package: name, version: String(version), program: 'dist/index.js', args, env: {} };
      const judged = await judge(server, folder);
      assert.deepEqual(judged.stillRefused, []);
      assert.deepEqual(
        recorded.find((each) => each.package === name),
        judged,
        'the results are of another version: run test/mcp/published/record.ts',
      );
    });
  }

  it('has in the results no tool that an API refuses', () => {
    assert.ok(recorded.length > 10);
    assert.deepEqual(
      recorded.flatMap(({ stillRefused }) => stillRefused),
      [],
    );
  });
});

describe('the rules of the APIs', () => {
  const good = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };
  const withA = (a: object) => ({ type: 'object', properties: { a } });
  const refused = (parameters: Record<string, unknown>, name = 'tool', description = '') =>
    APIS.filter((api) => refusedBy(api, [{ name, description, parameters }]).length > 0);
  const rows: [words: string, found: Api[], expected: Api[]][] = [
    ['take a plain tool', refused(good), []],
    ['refuse a number at the head of a name', refused(good, '1st'), ['Gemini']],
    ['refuse a dot in a name', refused(good, 'a.b'), ['OpenAI', 'Anthropic']],
    ['refuse a long description', refused(good, 'tool', 'd'.repeat(1_025)), ['OpenAI']],
    ['refuse an object without properties', refused({ type: 'object' }), ['OpenAI']],
    ['refuse an array without items', refused(withA({ type: 'array' })), ['OpenAI', 'Gemini']],
    ['refuse a combinator at the top', refused({ ...good, anyOf: [good] }), ['OpenAI', 'Anthropic']],
    ['refuse a $ in the name of a property', refused({ type: 'object', properties: { $a: good } }), ['Anthropic']],
    ['refuse unknown keys', refused({ ...good, additionalProperties: false }), ['Gemini']],
    ['refuse several types', refused(withA({ type: ['string', 'null'] })), ['Gemini']],
    ['refuse an enum of numbers', refused(withA({ type: 'integer', enum: [1] })), ['Gemini']],
    ['refuse what is required and not there', refused({ ...good, required: ['b'] }), ['Gemini']],
  ];
  for (const [words, found, expected] of rows) it(words, () => assert.deepEqual(found, expected));
});
