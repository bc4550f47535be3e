/** Arguments that a person has written, against a tool's schema: what fits, where it breaks, and that no schema does any harm. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkArguments } from '../../src/mcp/argument-check.ts';

const schema = {
  type: 'object',
  properties: {
    a: { type: 'number' },
    'b/c~ d': { type: 'string' },
    list: { type: 'array', items: { type: 'object', properties: { unit: { enum: ['m', 'km'] } } } },
  },
  required: ['a'],
  additionalProperties: false,
};

describe('arguments', () => {
  test('that fit have no breach', () => {
    assert.equal(checkArguments(schema, { a: 1, 'b/c~ d': 'x', list: [{ unit: 'km' }] }), null);
  });

  for (const { what, args, path, says } of [
    { what: 'of the wrong type', args: { a: 'x' }, path: ['a'], says: /Expected "number"$/ },
    { what: 'that lack something', args: {}, path: [], says: /required property "a"$/ },
    { what: 'that have something too many', args: { a: 1, z: 1 }, path: ['z'], says: /"z" does not match additional properties/ },
    { what: 'that are wrong far down', args: { a: 1, list: [{ unit: 'm' }, { unit: 'mile' }] }, path: ['list', '1', 'unit'], says: /\["m","km"\]$/ },
    { what: 'under an odd name', args: { a: 1, 'b/c~ d': 7 }, path: ['b/c~ d'], says: /Expected "string"$/ },
  ]) {
    test(`${what} are told with their place`, () => {
      const breach = checkArguments(schema, args);
      assert.deepEqual(breach?.path, path);
      assert.match(breach?.message ?? '', says);
    });
  }

  test('are judged in the dialect of the schema, by default that of 2020-12', () => {
    // What stands beside a reference counts in the one, and not in the other.
    const narrowed = { type: 'object', definitions: { any: {} }, properties: { a: { $ref: '#/definitions/any', type: 'string' } } };
    assert.deepEqual(checkArguments(narrowed, { a: 7 })?.path, ['a']);
    assert.equal(checkArguments({ ...narrowed, $schema: 'http://json-schema.org/draft-07/schema#' }, { a: 7 }), null);
  });

  test('are quoted no further than needed', () => {
    const { message = '' } = checkArguments(schema, { a: 1, ['z'.repeat(10_000)]: 1 }) ?? {};
    assert.ok(message.length < 600);
  });
});

describe('a schema', () => {
  for (const { what, broken, says } of [
    { what: 'of a dialect that nobody knows', broken: { $schema: 'urn:mine' }, says: /unsupported dialect/ },
    { what: 'that refers to itself for ever', broken: { $ref: '#' }, says: /call stack/ },
    { what: 'that refers to another place', broken: { $ref: 'http://127.0.0.1:9/schema' }, says: /Unresolved \$ref/ },
    { what: 'with a broken pattern', broken: { properties: { a: { pattern: '(' } } }, says: /Invalid regular expression/ },
    { what: 'with a pattern that runs for ever', broken: { properties: { a: { pattern: '^(x+)+$' } } }, says: /it takes too long/ },
  ]) {
    test(`${what} lets nothing pass, and the person is told what can be done`, () => {
      const breach = checkArguments({ type: 'object', ...broken }, { a: `${'x'.repeat(50)}!` });
      assert.deepEqual(breach?.path, []);
      assert.match(breach?.message ?? '', says);
      assert.match(breach?.message ?? '', /approve the call as it was asked, or deny it$/);
    });
  }

  test('is not changed by being used: models are sent it too', () => {
    const used = structuredClone(schema);
    checkArguments(used, { a: 'x' });
    assert.equal(JSON.stringify(used), JSON.stringify(schema));
  });
});
