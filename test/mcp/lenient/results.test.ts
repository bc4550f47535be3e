/** Tests how other results are read: handshakes, lists, prompts, resources, completions and empty answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSpecType } from '@modelcontextprotocol/client';
import { readResult } from '../../../src/mcp/lenient/results.ts';

function read(method: string, result: unknown, isStateless = false) {
  const left: string[] = [];
  const taken = readResult({ method, uri: 'x://asked', isStateless }, result, (line) => left.push(line));
  return { taken, left };
}

describe('the answer to a ping', () => {
  for (const result of [{}, [], null, undefined, true, 'pong', { ok: true }, { _meta: null }])
    it(`is ${JSON.stringify(result)}`, () => assert.deepEqual(read('ping', result).taken, {}));
});

describe('a handshake', () => {
  const sound = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'x', version: '1' } };
  const abilities = (capabilities: unknown) => {
    const { taken } = read('initialize', { ...sound, capabilities });
    assert.ok(isSpecType.InitializeResult(taken), JSON.stringify(taken));
    return taken['capabilities'];
  };

  it('is read with nulls for absent members', () => {
    const { taken } = read('initialize', {
      ...sound,
      instructions: null,
      _meta: null,
      serverInfo: { ...sound.serverInfo, title: null, icons: null, websiteUrl: null, description: null },
    });
    assert.deepEqual(taken, sound);
  });

  for (const serverInfo of [null, undefined, [], { name: null }, { name: 'x' }, { name: 'x', version: 2 }])
    it(`is read with ${JSON.stringify(serverInfo)} for the server's name`, () =>
      assert.ok(isSpecType.InitializeResult(read('initialize', { ...sound, serverInfo }).taken)));

  it('has the capabilities that are stated', () => {
    assert.deepEqual(abilities({ tools: {}, prompts: null, resources: null, logging: null, experimental: null }), {
      tools: {},
    });
    assert.deepEqual(abilities({ tools: { listChanged: null } }), { tools: {} });
    assert.deepEqual(abilities({ tools: [], prompts: true, resources: false }), { tools: {}, prompts: {} });
    assert.deepEqual(abilities({ resources: { subscribe: true, listChanged: 'yes' } }), {
      resources: { subscribe: true },
    });
    assert.deepEqual(abilities({ tools: {}, experimental: { x: null }, tasks: null, extensions: null }), { tools: {} });
    assert.deepEqual(abilities({ experimental: { x: {} }, tools: {} }), { experimental: { x: {} }, tools: {} });
    for (const capabilities of [null, [], undefined]) assert.deepEqual(abilities(capabilities), {});
  });

  it('of 2026-07-28 is read the same way', () => {
    const { taken } = read(
      'server/discover',
      {
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: null, prompts: [] },
        instructions: null,
        ttlMs: null,
      },
      true,
    );
    assert.deepEqual(taken, {
      supportedVersions: ['2026-07-28'],
      capabilities: { prompts: {} },
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
    });
  });
});

describe('a list', () => {
  const lists = [
    ['tools/list', 'tools', { name: 'good', inputSchema: { type: 'object' } }, { name: 'bad' }, 'the tool "bad"'],
    ['prompts/list', 'prompts', { name: 'good' }, { title: 'bad' }, 'the prompt number 2'],
    ['resources/list', 'resources', { uri: 'x://good', name: 'good' }, { uri: 'x://bad' }, 'the resource "x://bad"'],
    [
      'resources/templates/list',
      'resourceTemplates',
      { uriTemplate: 'x://{a}', name: 'good' },
      { name: 'bad' },
      'the resource template "bad"',
    ],
  ] as const;

  for (const [method, key, good, bad, named] of lists) {
    it(`of ${key} loses a broken entry only, and reports it`, () => {
      for (const broken of [bad, null, 7, []]) {
        const { taken, left } = read(method, { [key]: [good, broken, good] });
        assert.deepEqual(taken, { [key]: [good, good] });
        assert.equal(left.length, 1);
      }
      assert.deepEqual(read(method, { [key]: [good, bad] }).left, [
        `${named} is not offered: its definition violates the protocol`,
      ]);
    });

    it(`of ${key} is read with nulls for absent members`, () => {
      const nulls = { title: null, description: null, icons: null, annotations: null, _meta: null };
      const { taken, left } = read(method, { [key]: [{ ...nulls, ...good }], nextCursor: null, _meta: null });
      assert.deepEqual([taken, left], [{ [key]: [good] }, []]);
    });

    it(`of ${key} may be null, absent, or the whole result`, () => {
      assert.deepEqual(read(method, { [key]: null }).taken, { [key]: [] });
      assert.deepEqual(read(method, []).taken, { [key]: [] });
      assert.deepEqual(read(method, [good]).taken, { [key]: [good] });
    });

    it(`of ${key} ends with an empty cursor, and goes on with any other`, () => {
      const cursors = ['', null, [], 'more', 2].map((nextCursor) => read(method, { [key]: [], nextCursor }).taken);
      assert.deepEqual(
        cursors.map(({ nextCursor }) => nextCursor),
        [undefined, undefined, undefined, 'more', '2'],
      );
    });

    it(`of ${key} gets the members that 2026-07-28 requires`, () => {
      const { taken } = read(method, { [key]: [good], ttlMs: -1, cacheScope: null }, true);
      assert.deepEqual(taken, { [key]: [good], resultType: 'complete', ttlMs: 0, cacheScope: 'private' });
    });
  }

  it('of tools keeps the nulls inside a schema, and drops those that Go writes at its root', () => {
    const properties = { a: { enum: [null, 1], default: null } };
    const tool = (inputSchema: object) => read('tools/list', { tools: [{ name: 'a', inputSchema }] }).taken['tools'];
    assert.deepEqual(tool({ type: 'object', properties, required: null }), [
      { name: 'a', inputSchema: { type: 'object', properties } },
    ]);
    assert.deepEqual(tool({ type: 'object', properties: null }), [{ name: 'a', inputSchema: { type: 'object' } }]);
    assert.deepEqual(tool({ type: 'object', properties: [] }), [
      { name: 'a', inputSchema: { type: 'object', properties: {} } },
    ]);
  });

  it('of tools is read with output schemas among the metadata, and without hints that are no hints', () => {
    const { taken } = read('tools/list', {
      tools: [
        {
          name: 'a',
          inputSchema: { type: 'object' },
          outputSchema: null,
          execution: null,
          annotations: { title: null, readOnlyHint: null, destructiveHint: false, idempotentHint: 'yes' },
        },
        { name: 'b', inputSchema: { type: 'object' }, outputSchema: { type: 'array' } },
      ],
    });
    assert.deepEqual(taken['tools'], [
      { name: 'a', inputSchema: { type: 'object' }, annotations: { destructiveHint: false } },
      { name: 'b', inputSchema: { type: 'object' }, _meta: { 'parley/outputSchema': { type: 'array' } } },
    ]);
  });

  it('of prompts is read with nulls in arguments', () => {
    const { taken } = read('prompts/list', {
      prompts: [
        { name: 'a', arguments: null },
        { name: 'b', arguments: [{ name: 'x', description: null, required: null, title: null }] },
      ],
    });
    assert.deepEqual(taken['prompts'], [{ name: 'a' }, { name: 'b', arguments: [{ name: 'x' }] }]);
  });
});

describe('a prompt', () => {
  it('is read with nulls, and with texts for blocks', () => {
    const { taken } = read('prompts/get', {
      description: null,
      messages: [
        { role: 'user', content: { type: 'text', text: 'one', annotations: null } },
        { role: 'system', content: 'two' },
        { role: 'assistant', content: [{ type: 'text', text: 'three' }, { type: 'widget' }] },
        null,
      ],
    });
    assert.ok(isSpecType.GetPromptResult(taken));
    assert.deepEqual(
      taken.messages.map(({ role, content }) => [role, 'text' in content ? content.text : null]),
      [
        ['user', 'one'],
        ['user', 'two'],
        ['assistant', 'three'],
        ['assistant', '[content that Parley cannot read: {"type":"widget"}]'],
      ],
    );
  });
});

describe('a resource', () => {
  it('is read with nulls, without its own URI, and beside parts that cannot be read', () => {
    const { taken } = read('resources/read', {
      contents: [
        { uri: 'x://a', mimeType: null, text: 'one', blob: null },
        { text: 2 },
        { uri: 'x://b', text: null, blob: 'AA' },
        { uri: 'x://c', blob: '?' },
        'four',
      ],
    });
    assert.ok(isSpecType.ReadResourceResult(taken));
    assert.deepEqual(taken.contents, [
      { uri: 'x://a', text: 'one' },
      { uri: 'x://asked', text: '2' },
      { uri: 'x://b', blob: 'AA==' },
      { uri: 'x://asked', text: '[content that Parley cannot read: {"uri":"x://c","blob":"?"}]' },
      { uri: 'x://asked', text: 'four' },
    ]);
  });
});

describe('a completion', () => {
  it('is read with nulls and numbers, and without values', () => {
    assert.deepEqual(
      read('completion/complete', { completion: { values: ['a', 7, null], total: null, hasMore: null } }).taken,
      {
        completion: { values: ['a', '7'] },
      },
    );
    assert.deepEqual(read('completion/complete', { completion: null }).taken, { completion: { values: [] } });
    const many = Array.from({ length: 150 }, String);
    assert.ok(isSpecType.CompleteResult(read('completion/complete', { completion: { values: many } }).taken));
  });
});
