/** A model's arguments, and a person's, against a tool's schema: what fits, where it breaks, and that no schema does any harm. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createArgumentValidator } from '../../src/mcp/argument-check.ts';

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

const check = createArgumentValidator();
const breachOf = (by: Record<string, unknown>, args: Record<string, unknown>) => {
  const verdict = check(by, args);
  assert.notEqual(verdict.fits, null);
  return verdict.fits === false ? verdict.breach : null;
};

describe('arguments', () => {
  test('that fit have no breach', () => {
    assert.equal(breachOf(schema, { a: 1, 'b/c~ d': 'x', list: [{ unit: 'km' }] }), null);
  });

  for (const { what, args, path, says } of [
    { what: 'of the wrong type', args: { a: 'x' }, path: ['a'], says: /Expected "number"$/ },
    { what: 'that lack something', args: {}, path: [], says: /required property "a"$/ },
    {
      what: 'that have something too many',
      args: { a: 1, z: 1 },
      path: ['z'],
      says: /"z" does not match additional properties/,
    },
    {
      what: 'that are wrong far down',
      args: { a: 1, list: [{ unit: 'm' }, { unit: 'mile' }] },
      path: ['list', '1', 'unit'],
      says: /\["m","km"\]$/,
    },
    { what: 'under an odd name', args: { a: 1, 'b/c~ d': 7 }, path: ['b/c~ d'], says: /Expected "string"$/ },
  ]) {
    test(`${what} are told with their place`, () => {
      const breach = breachOf(schema, args);
      assert.deepEqual(breach?.path, path);
      assert.match(breach?.message ?? '', says);
    });
  }

  test('are judged in the dialect of the schema, by default that of 2020-12', () => {
    // What stands beside a reference counts in the one, and not in the other.
    const narrowed = {
      type: 'object',
      definitions: { any: {} },
      properties: { a: { $ref: '#/definitions/any', type: 'string' } },
    };
    assert.deepEqual(breachOf(narrowed, { a: 7 })?.path, ['a']);
    assert.equal(breachOf({ ...narrowed, $schema: 'http://json-schema.org/draft-07/schema#' }, { a: 7 }), null);
  });

  test('are quoted no further than needed', () => {
    const { message = '' } = breachOf(schema, { a: 1, ['z'.repeat(10_000)]: 1 }) ?? {};
    assert.ok(message.length < 600);
  });
});

describe('a schema', () => {
  for (const { what, broken, says } of [
    { what: 'of a dialect that nobody knows', broken: { $schema: 'urn:mine' }, says: /unsupported dialect/ },
    { what: 'that refers to itself for ever', broken: { $ref: '#' }, says: /call stack/ },
    { what: 'that refers to another place', broken: { $ref: 'http://127.0.0.1:9/schema' }, says: /Unresolved \$ref/ },
    {
      what: 'with a broken pattern',
      broken: { properties: { a: { pattern: '(' } } },
      says: /Invalid regular expression/,
    },
    {
      what: 'with a pattern that runs for ever',
      broken: { properties: { a: { pattern: '^(x+)+$' } } },
      says: /it takes too long/,
    },
  ]) {
    test(`${what} is told apart from one that arguments do not fit`, () => {
      const verdict = check({ type: 'object', ...broken }, { a: `${'x'.repeat(50)}!` });
      assert.match(verdict.fits === null ? verdict.unusable : '', says);
    });
  }

  test('that took too long once is not tried again', () => {
    const slow = { type: 'object', properties: { a: { pattern: '^(x+)+$' } } };
    assert.deepEqual(check(slow, { a: 'xxx' }), { fits: true });
    check(slow, { a: `${'x'.repeat(50)}!` });
    assert.deepEqual(check(slow, { a: 'xxx' }), { fits: null, unusable: 'it takes too long' });
  });

  test('is not changed by being used: models are sent it too', () => {
    const used = structuredClone(schema);
    check(used, { a: 'x' });
    assert.equal(JSON.stringify(used), JSON.stringify(schema));
  });
});
