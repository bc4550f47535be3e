/** One catalogue of many servers: safe names, clashes, untrusted descriptions. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mergeCatalogues, serverTools } from '../../src/mcp/catalogue.ts';

const tool = (name: string) => ({ name, description: '', inputSchema: { type: 'object' }, harmless: false, effect: 'destructive' as const });
const merge = (...servers: [name: string, tools: string[]][]) => mergeCatalogues(servers.map(([name, tools]) => [name, tools.map(tool)]));
const names = (...servers: [name: string, tools: string[]][]) => merge(...servers).map(({ name }) => name);

describe('the merged catalogue', () => {
  test('keeps names that providers take, in the order of the servers', () => {
    assert.deepEqual(names(['b', ['two', 'one']], ['a', ['Three-3']]), ['two', 'one', 'Three-3']);
  });

  test('prefixes every tool of a clash with its server, so that no name changes its owner', () => {
    assert.deepEqual(names(['a', ['search', 'own']], ['b', ['search']]), ['a__search', 'own', 'b__search']);
  });

  test('makes every name safe, unique, and mapped back to the server\'s own', () => {
    const own = ['t.1', 't:1', `${'x'.repeat(100)}1`, `${'x'.repeat(100)}2`, 'ü'];
    const catalogue = merge(['a b', own]);

    assert.equal(new Set(catalogue.map(({ name }) => name)).size, own.length);
    assert.ok(catalogue.every(({ name }) => /^[a-zA-Z0-9_-]{1,64}$/.test(name)));
    assert.deepEqual(catalogue.map(({ toolName }) => toolName), own);
    assert.deepEqual(catalogue, merge(['a b', own]), 'names are stable');
  });
});

test('a server\'s tools lose control characters and overlong descriptions, and tell what is harmless', () => {
  const listed = [
    { name: 'a', description: `\u0000\u202eab\tc\n${'d'.repeat(100)}`, inputSchema: { type: 'object' as const }, annotations: { readOnlyHint: true } },
    { name: 'b', inputSchema: { type: 'object' as const }, annotations: { idempotentHint: true, destructiveHint: true } },
    { name: 'c', inputSchema: { type: 'object' as const }, annotations: { readOnlyHint: false } },
  ];

  const tools = serverTools(listed, 10);

  assert.equal(tools[0]?.description, 'ab\tc\nddddd');
  assert.deepEqual(tools.map(({ harmless }) => harmless), [true, true, false]);
});

test('what a tool does to the world is what its server says, and the worst that the MCP lets it mean', () => {
  const effectOf = (annotations?: object) => serverTools([{ name: 'a', inputSchema: { type: 'object' }, ...(annotations ? { annotations } : {}) }], 10)[0]?.effect;
  assert.equal(effectOf({ readOnlyHint: true }), 'read_only');
  assert.equal(effectOf({ readOnlyHint: true, destructiveHint: true }), 'read_only', 'the second hint counts only without the first');
  assert.equal(effectOf({ destructiveHint: false }), 'additive');
  assert.equal(effectOf({ readOnlyHint: false, destructiveHint: true }), 'destructive');
  for (const silent of [undefined, {}, { title: 'A', idempotentHint: true }, { readOnlyHint: false }]) assert.equal(effectOf(silent), 'destructive');
});
