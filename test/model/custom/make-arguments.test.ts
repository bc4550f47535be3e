/** Tests that arguments generated from a schema fit it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSchemaCheck } from '../../../src/mcp/validation/schema-check.ts';
import { makeArguments } from './make-arguments.ts';

const { validate: fits } = createSchemaCheck();

const cases: Record<string, { schema: Record<string, unknown>; made: Record<string, unknown> }> = {
  'only what is required': {
    schema: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'string' } }, required: ['a'] },
    made: { a: 1 },
  },
  'defaults, examples, constants and the first of a list': {
    schema: {
      type: 'object',
      properties: {
        a: { type: 'integer', default: 7 },
        b: { type: 'string', examples: ['x'] },
        c: { const: null },
        d: { enum: ['up', 'down'] },
      },
      required: ['a', 'b', 'c', 'd'],
    },
    made: { a: 7, b: 'x', c: null, d: 'up' },
  },
  'numbers within their bounds': {
    schema: {
      type: 'object',
      properties: {
        a: { type: 'integer', minimum: 10 },
        b: { type: 'number', exclusiveMinimum: 3 },
        c: { type: 'integer', maximum: -5 },
        d: { type: 'integer', multipleOf: 5, minimum: 7 },
      },
      required: ['a', 'b', 'c', 'd'],
    },
    made: { a: 10, b: 4, c: -5, d: 10 },
  },
  'texts of a length and of a format': {
    schema: {
      type: 'object',
      properties: {
        a: { type: 'string', minLength: 6 },
        b: { type: 'string', maxLength: 2 },
        c: { type: 'string', format: 'date' },
      },
      required: ['a', 'b', 'c'],
    },
    made: { a: 'textxx', b: 'te', c: '2026-01-01' },
  },
  'lists and objects within': {
    schema: {
      type: 'object',
      properties: {
        list: { type: 'array', minItems: 2, items: { type: 'boolean' } },
        inner: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
      },
      required: ['list', 'inner'],
    },
    made: { list: [false, false], inner: { a: 'text' } },
  },
  'choices and references': {
    schema: {
      type: 'object',
      $defs: { word: { type: 'string' } },
      properties: {
        a: { anyOf: [{ type: 'null' }, { type: 'string' }] },
        b: { $ref: '#/$defs/word' },
        c: { allOf: [{ type: 'string' }, { minLength: 5 }] },
      },
      required: ['a', 'b', 'c'],
    },
    made: { a: null, b: 'text', c: 'textx' },
  },
};

describe('arguments generated from a schema', () => {
  for (const [what, { schema, made }] of Object.entries(cases)) {
    test(`are ${what}`, () => {
      assert.deepEqual(makeArguments(schema), made);
      assert.deepEqual(fits(schema, made), { valid: true });
    });
  }

  test('end, even for a recursive schema', () => {
    const schema = {
      type: 'object',
      $defs: { self: { type: 'object', properties: { inner: { $ref: '#/$defs/self' } }, required: ['inner'] } },
      properties: { a: { $ref: '#/$defs/self' } },
      required: ['a'],
    };
    assert.ok(JSON.stringify(makeArguments(schema)).length < 1000);
  });
});
