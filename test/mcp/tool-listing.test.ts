/** Tests which of a server's tools are offered: sanitized, limited, selected, and identified by definition. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tool } from '@modelcontextprotocol/client';
import { OUTPUT_SCHEMA } from '../../src/mcp/lenient/lists.ts';
import {
  selectTools,
  unknownNames,
  type ListingLimits,
  type ToolSelection,
} from '../../src/mcp/connection/tool-listing.ts';

const listed = (name: string, changes: Partial<Tool> = {}): Tool => ({
  name,
  inputSchema: { type: 'object' },
  ...changes,
});

function take(tools: Tool[], choice: Partial<ToolSelection> = {}, changes: Partial<ListingLimits> = {}) {
  const left: string[] = [];
  const taken = selectTools(
    tools,
    { includeTools: null, excludeTools: [], canRunTasks: false, ...choice },
    { maxTools: 4, maxDescriptionChars: 10, maxOutputSchemaChars: 120, maxSchemaBytes: 1024, ...changes },
    (reason) => left.push(reason),
  );
  return { taken, left, names: taken.map(({ name }) => name) };
}

describe('the description of a tool', () => {
  test('ends with its output schema, if that is small enough and fits every API', () => {
    const outputSchema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { km: { type: 'number', description: 'hid\u200bden' } },
    };
    const described = (changes: Partial<Tool>, limits: Partial<ListingLimits> = {}) =>
      take([listed('a', { _meta: { [OUTPUT_SCHEMA]: outputSchema }, ...changes })], {}, limits).taken[0]?.description;
    const returned =
      'Returns JSON of this schema: {"type":"object","properties":{"km":{"type":"number","description":"hidden"}}}';
    assert.equal(described({ description: 'Measures.' }), `Measures.\n\n${returned}`);
    assert.equal(described({}), returned);
    assert.equal(described({ description: 'Measures.' }, { maxOutputSchemaChars: 60 }), 'Measures.');
    const long = 'd'.repeat(950);
    assert.equal(described({ description: long }, { maxDescriptionChars: 2_000 }), long);
  });

  test('loses invisible characters, and is cut', () => {
    const [tool] = take([
      listed('a', {
        title: '\u001b[31mRed\u001b[0m alert',
        description: `\u0000\u202e\u{e0041}ab\tc\n${'d'.repeat(100)}`,
        inputSchema: {
          type: 'object',
          properties: { title: { type: 'string', description: 'hid\u200bden', enum: ['\u0007'] } },
        },
      }),
    ]).taken;
    assert.deepEqual([tool?.title, tool?.description], ['Red alert', 'ab\tc\nddddd']);
    assert.deepEqual(
      tool?.inputSchema,
      { type: 'object', properties: { title: { type: 'string', description: 'hidden', enum: ['\u0007'] } } },
      'values with a meaning stay unchanged',
    );
  });

  test('is not cut within a surrogate pair', () => {
    assert.ok(take([listed('a', { description: `123456789😀` })]).taken[0]?.description.isWellFormed());
  });

  test("keeps the hints, with MCP's defaults for absent ones", () => {
    const of = (annotations?: Tool['annotations']) => take([listed('a', annotations ? { annotations } : {})]).taken[0];
    assert.deepEqual(of({ readOnlyHint: true, openWorldHint: false })?.annotations, {
      readOnlyHint: true,
      openWorldHint: false,
    });
    assert.equal(of({ title: 'A' })?.title, 'A');
    assert.equal(of({ readOnlyHint: true })?.effect, 'read_only');
    assert.equal(
      of({ readOnlyHint: true, destructiveHint: true })?.effect,
      'read_only',
      'the second hint counts only without the first',
    );
    assert.equal(of({ destructiveHint: false })?.effect, 'additive');
    assert.equal(of({ readOnlyHint: false, destructiveHint: true })?.effect, 'destructive');
    for (const silent of [undefined, {}, { title: 'A', idempotentHint: true }, { readOnlyHint: false }])
      assert.equal(of(silent)?.effect, 'destructive');
    assert.deepEqual(
      [{ readOnlyHint: true }, { idempotentHint: true }, { readOnlyHint: false }].map((hints) => of(hints)?.idempotent),
      [true, true, false],
    );
  });
});

describe('a tool is not offered, and the log has the reason,', () => {
  const deep = (levels: number): object => (levels === 0 ? {} : { properties: { a: deep(levels - 1) } });
  for (const { what, tools, says } of [
    {
      what: 'when its name is too long',
      tools: [listed('n'.repeat(129))],
      says: /^the tool "n{128}" is not offered: it has a name of 129 characters$/,
    },
    { what: 'when its name has invisible characters', tools: [listed('a\u200b')], says: /"a".* control characters/ },
    {
      what: 'when its schema is large',
      tools: [listed('a', { inputSchema: { type: 'object', description: 'x'.repeat(2000) } })],
      says: /more than 1024 bytes/,
    },
    {
      what: 'when its schema is deep',
      tools: [listed('a', { inputSchema: { type: 'object', ...deep(5_000) } })],
      says: /more than 64 levels/,
    },
    {
      what: 'when it runs only as a task',
      tools: [listed('a', { execution: { taskSupport: 'required' } })],
      says: /can only run as a task/,
    },
    {
      what: 'when it is listed twice',
      tools: [listed('a'), listed('a', { description: 'another' })],
      says: /listed twice/,
    },
  ]) {
    test(what, () => {
      const { left, names } = take([...tools, listed('sound')]);
      assert.equal(left.length, 1);
      assert.match(left[0] ?? '', says);
      assert.equal(names.at(-1), 'sound');
      assert.equal(names.length, tools.length);
    });
  }
});

describe('the selection of tools', () => {
  const tools = ['read', 'write', 'erase'].map((name) => listed(name));

  test('offers tools that are included and not excluded', () => {
    assert.deepEqual(take(tools, { includeTools: ['erase', 'read'] }).names, ['read', 'erase']);
    assert.deepEqual(take(tools, { excludeTools: ['erase'] }).names, ['read', 'write']);
    assert.deepEqual(take(tools, { includeTools: ['erase', 'read'], excludeTools: ['erase'] }).names, ['read']);
    assert.deepEqual(take(tools, { includeTools: [] }).names, []);
  });

  test('stops at the limit', () => {
    const { names, left } = take(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => listed(name)));
    assert.deepEqual([names, left], [['a', 'b', 'c', 'd'], ['it lists more than 4 tools; the others are not offered']]);
  });

  test('reports configured names that are not listed', () => {
    assert.deepEqual(
      unknownNames(tools, {
        includeTools: ['read', 'reed'],
        excludeTools: ['eraze'],
        toolTimeouts: { read: 1, sned: 1 },
      }),
      [
        { key: 'includeTools', name: 'reed', suggestion: 'read' },
        { key: 'excludeTools', name: 'eraze', suggestion: 'erase' },
        { key: 'tool_timeouts', name: 'sned', suggestion: null },
      ],
    );
  });
});

describe('the definition of a tool', () => {
  const definitionOf = (changes: Partial<Tool> = {}) =>
    take([listed('a', { description: 'A', ...changes })]).taken[0]?.definition;

  test('does not depend on the order of keys', () => {
    const [one, other] = [
      { x: { type: 'string' }, y: {} },
      { y: {}, x: { type: 'string' } },
    ].map((properties) => definitionOf({ inputSchema: { type: 'object', properties } }));
    assert.equal(one, other);
  });

  test('differs for every change', () => {
    const others = [
      { description: 'B' },
      { title: 'T' },
      { annotations: { readOnlyHint: true } },
      { inputSchema: { type: 'object' as const, properties: { x: {} } } },
    ];
    assert.equal(new Set([{}, ...others].map((changes) => definitionOf(changes))).size, 5);
  });

  test('differs if only invisible or cut parts have changed', () => {
    assert.notEqual(definitionOf({ description: 'A\u200b' }), definitionOf());
    assert.notEqual(definitionOf({ description: `${'A'.repeat(20)}B` }), definitionOf({ description: 'A'.repeat(21) }));
  });
});
