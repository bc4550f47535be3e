/** Tests the validation of arguments: violations with their place, and schemas that do harm. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSchemaCheck } from '../../src/mcp/validation/schema-check.ts';

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

const { validate } = createSchemaCheck();
const violationOf = (by: Record<string, unknown>, args: Record<string, unknown>) => {
  const result = validate(by, args);
  assert.notEqual(result.valid, null);
  return result.valid === false ? result.violation : null;
};

describe('argument validation', () => {
  test('accepts valid arguments', () => {
    assert.equal(violationOf(schema, { a: 1, 'b/c~ d': 'x', list: [{ unit: 'km' }] }), null);
  });

  for (const { what, args, path, says } of [
    { what: 'a wrong type', args: { a: 'x' }, path: ['a'], says: /Expected "number"$/ },
    { what: 'a missing property', args: {}, path: [], says: /required property "a"$/ },
    {
      what: 'an additional property',
      args: { a: 1, z: 1 },
      path: ['z'],
      says: /"z" does not match additional properties/,
    },
    {
      what: 'a violation deep inside',
      args: { a: 1, list: [{ unit: 'm' }, { unit: 'mile' }] },
      path: ['list', '1', 'unit'],
      says: /\["m","km"\]$/,
    },
    {
      what: 'a violation under an escaped name',
      args: { a: 1, 'b/c~ d': 7 },
      path: ['b/c~ d'],
      says: /Expected "string"$/,
    },
  ]) {
    test(`reports ${what} with its path`, () => {
      const violation = violationOf(schema, args);
      assert.deepEqual(violation?.path, path);
      assert.match(violation?.message ?? '', says);
    });
  }

  test('uses the dialect of the schema, by default 2020-12', () => {
    // Keywords beside `$ref` count in 2020-12, and not in draft-07.
    const narrowed = {
      type: 'object',
      definitions: { any: {} },
      properties: { a: { $ref: '#/definitions/any', type: 'string' } },
    };
    assert.deepEqual(violationOf(narrowed, { a: 7 })?.path, ['a']);
    assert.equal(violationOf({ ...narrowed, $schema: 'http://json-schema.org/draft-07/schema#' }, { a: 7 }), null);
  });

  test('cuts the quoted arguments', () => {
    const { message = '' } = violationOf(schema, { a: 1, ['z'.repeat(10_000)]: 1 }) ?? {};
    assert.ok(message.length < 600);
  });
});

describe('argument validation with an unusable schema', () => {
  for (const { what, broken, says } of [
    { what: 'an unknown dialect', broken: { $schema: 'urn:mine' }, says: /unsupported dialect/ },
    { what: 'an endless reference', broken: { $ref: '#' }, says: /call stack/ },
    { what: 'an external reference', broken: { $ref: 'http://127.0.0.1:9/schema' }, says: /Unresolved \$ref/ },
    {
      what: 'an invalid pattern',
      broken: { properties: { a: { pattern: '(' } } },
      says: /Invalid regular expression/,
    },
    {
      what: 'a pattern that runs for too long',
      broken: { properties: { a: { pattern: '^(x+)+$' } } },
      says: /the check takes too long/,
    },
  ]) {
    test(`gives the reason for ${what}`, () => {
      const result = validate({ type: 'object', ...broken }, { a: `${'x'.repeat(50)}!` });
      assert.match(result.valid === null ? result.reason : '', says);
    });
  }

  test('does not modify the schema, which models get too', () => {
    const used = structuredClone(schema);
    validate(used, { a: 'x' });
    assert.equal(JSON.stringify(used), JSON.stringify(schema));
  });
});
