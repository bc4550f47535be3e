/** Tests how results of tool calls are read that the SDK's schemas would reject although the tool ran. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCallToolResult } from '@modelcontextprotocol/client';
import { resultText } from '../../../src/mcp/content/result-text.ts';
import { readResult } from '../../../src/mcp/lenient/results.ts';

const DONE = { type: 'text', text: 'done' };

function read(result: unknown, isStateless = false) {
  const taken = readResult({ method: 'tools/call', uri: '', isStateless }, result, assert.fail);
  assert.ok(isCallToolResult(taken), JSON.stringify(taken));
  return { ...taken, shown: resultText(taken, 1_000) };
}

describe('a result of a tool call', () => {
  for (const member of ['structuredContent', 'isError', '_meta', 'resultType', 'requestState', 'inputRequests']) {
    it(`keeps its text if ${member} is null`, () => {
      const { shown, ...result } = read({ content: [DONE], [member]: null });
      assert.deepEqual([shown, result], ['done', { content: [DONE] }]);
    });
  }

  for (const member of ['annotations', '_meta', 'icons', 'title', 'description', 'mimeType', 'size']) {
    it(`keeps a text block of which ${member} is null or of another type`, () => {
      for (const value of [null, 7.5, 'x', [null]]) {
        const { shown } = read({ content: [{ ...DONE, [member]: value }] });
        assert.equal(shown, 'done', String(value));
      }
    });
  }

  it('keeps annotations of which one member is null', () => {
    const block = { ...DONE, annotations: { audience: ['user'], priority: null, lastModified: null } };
    assert.deepEqual(read({ content: [block] }).content, [{ ...DONE, annotations: { audience: ['user'] } }]);
  });

  it('leaves data of the tool as it is, with its nulls', () => {
    const structuredContent = { a: null, list: [null, { b: null }], ['__proto__x']: null };
    assert.deepEqual(read({ content: [], structuredContent }).structuredContent, structuredContent);
    const named = JSON.parse('{"__proto__":{"x":null},"constructor":null,"hasOwnProperty":null}');
    assert.equal(
      JSON.stringify(read({ content: [], structuredContent: named }).structuredContent),
      JSON.stringify(named),
    );
  });

  it('survives members named like those of every object', () => {
    const block = JSON.parse('{"type":"text","text":"done","__proto__":null,"toString":1}');
    assert.equal(read({ content: [block], constructor: null }).shown, 'done');
  });

  for (const [what, content, shown] of [
    ['a number as text', [{ type: 'text', text: 7 }, DONE], '7\ndone'],
    ['a text that is null', [{ type: 'text', text: null }, DONE], 'done'],
    ['an object as text', [{ type: 'text', text: { rows: 1 } }], '{"rows":1}'],
    ['null among the blocks', [null, DONE], 'done'],
    ['a text for a block', ['done'], 'done'],
    ['a text for all blocks', 'done', 'done'],
    ['one block without a list', DONE, 'done'],
    ['a block without a type', [{ text: 'done' }], 'done'],
    [
      'an unknown type',
      [DONE, { type: 'widget', spec: { a: null } }],
      'done\n[content that Parley cannot read: {"type":"widget","spec":{"a":null}}]',
    ],
    ['a number for a block', [DONE, 7], 'done\n[content that Parley cannot read: 7]'],
    [
      'an image without base64',
      [DONE, { type: 'image', mimeType: 'image/png', data: '?'.repeat(200) }],
      'done\n[content that Parley cannot read: {"type":"image","mimeType":"image/png","data":"200 characters"}]',
    ],
    [
      'an image of another protocol',
      [DONE, { type: 'image', source: { url: 'https://x.example/y' } }],
      'done\n[content that Parley cannot read: {"type":"image","source":{"url":"https://x.example/y"}}]',
    ],
    [
      'a resource without contents',
      [DONE, { type: 'resource', resource: { uri: 'x://y' } }],
      'done\n[content that Parley cannot read: {"type":"resource","resource":{"uri":"x://y"}}]',
    ],
    [
      'an embedded resource with null members',
      [{ type: 'resource', resource: { uri: 'x://y', mimeType: null, text: 'done', blob: null, _meta: null } }],
      '[resource: x://y]\ndone',
    ],
    [
      'a link to a resource without a name',
      [DONE, { type: 'resource_link', uri: 'x://y', name: null, description: null, size: null }],
      'done\n[resource: x://y, x://y]',
    ],
  ] as const) {
    it(`is read with ${what}`, () => assert.equal(read({ content }).shown, shown));
  }

  for (const [what, result, shown] of [
    ['null', null, '[the tool returned nothing]'],
    ['an empty list, as PHP writes {}', [], '[the tool returned nothing]'],
    ['a text', 'done', 'done'],
    ['a list of blocks', [DONE], 'done'],
    ['without content', {}, '[the tool returned nothing]'],
    ['with content that is null', { content: null }, '[the tool returned nothing]'],
    ['with unknown members only', { toolResult: { rows: 1 } }, '{"toolResult":{"rows":1}}'],
    ['with structured content only', { structuredContent: { rows: 1 } }, '{"rows":1}'],
    ['with a list as structured content', { content: [], structuredContent: [1] }, '{"result":[1]}'],
    ['with a text as structured content', { structuredContent: 'x' }, '{"result":"x"}'],
  ] as const) {
    it(`is read if it is ${what}`, () => assert.equal(read(result).shown, shown));
  }

  it('is an error only if the server says so', () => {
    assert.deepEqual(
      [true, 'true', false, null, 'no', 0].map((isError) => read({ content: [DONE], isError }).isError),
      [true, true, undefined, undefined, undefined, undefined],
    );
  });

  it('of 2026-07-28 gets the members that the revision requires', () => {
    const { shown, ...result } = read({ content: [DONE], resultType: null, structuredContent: [1] }, true);
    assert.equal(shown, 'done');
    assert.deepEqual(result, {
      content: [DONE],
      structuredContent: [1],
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
    });
  });

  it('that asks for input keeps the requests, without nulls', () => {
    const taken = readResult(
      { method: 'tools/call', uri: '', isStateless: true },
      {
        resultType: 'input_required',
        requestState: null,
        inputRequests: { a: { method: 'elicitation/create', params: { message: 'Name?', mode: null } } },
      },
      assert.fail,
    );
    assert.deepEqual(taken['inputRequests'], { a: { method: 'elicitation/create', params: { message: 'Name?' } } });
    assert.deepEqual([taken['content'], taken['requestState']], [undefined, undefined]);
  });

  it('nested on thousands of levels does not overflow the stack', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`);
    const { content } = read({ content: [DONE, { type: 'widget', deep }] });
    assert.deepEqual(content[0], DONE);
    assert.match(JSON.stringify(content[1]), /more than 200 levels/);
  });
});
