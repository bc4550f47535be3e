/** Tests how a model's arguments are fitted to a tool's schema: what is added, what is read from text, what stays refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSchemaCheck } from '../../src/mcp/validation/schema-check.ts';

const { fit } = createSchemaCheck();
const object = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  type: 'object',
  properties,
  ...more,
});

interface Row {
  what: string;
  schema: Record<string, unknown>;
  args: Record<string, unknown>;
  /** Undefined: they do not fit. */
  fitted?: Record<string, unknown>;
}

const scale = { type: 'string', enum: ['css', 'device'], default: 'css' };
const deep = { $ref: '#/$defs/options' };

const rows: Row[] = [
  {
    what: 'null for an optional property is taken as absent, at any level',
    schema: object({ limit: { type: 'integer' }, inner: object({ tag: { type: 'string' } }) }),
    args: { limit: null, inner: { tag: null } },
    fitted: { inner: {} },
  },
  {
    what: 'null that the schema allows stays',
    schema: object({ limit: { type: ['integer', 'null'] } }),
    args: { limit: null },
    fitted: { limit: null },
  },
  {
    what: 'null for a required property, or within a list, is refused',
    schema: object(
      { limit: { type: 'integer' }, ids: { type: 'array', items: { type: 'string' } } },
      { required: ['limit'] },
    ),
    args: { limit: null, ids: [null] },
  },
  {
    what: 'a required property with a default gets it',
    schema: object({ scale }, { required: ['scale'], additionalProperties: false }),
    args: {},
    fitted: { scale: 'css' },
  },
  {
    what: 'an optional property with a default stays absent',
    schema: object({ scale }),
    args: {},
    fitted: {},
  },
  {
    what: 'a stated value wins over the default',
    schema: object({ scale }, { required: ['scale'] }),
    args: { scale: 'device' },
    fitted: { scale: 'device' },
  },
  {
    what: 'defaults are added within objects, lists, allOf and references',
    schema: object(
      {
        inner: deep,
        list: { type: 'array', items: deep },
        both: { allOf: [deep, { type: 'object' }] },
      },
      { $defs: { options: object({ scale: { $ref: '#/$defs/scale' } }, { required: ['scale'] }), scale } },
    ),
    args: { inner: {}, list: [{}, { scale: 'device' }], both: {} },
    fitted: { inner: { scale: 'css' }, list: [{ scale: 'css' }, { scale: 'device' }], both: { scale: 'css' } },
  },
  {
    what: 'a default of false, null or an object is one too',
    schema: object({ a: { default: false }, b: { default: null }, c: { default: {} } }, { required: ['a', 'b', 'c'] }),
    args: {},
    fitted: { a: false, b: null, c: {} },
  },
  {
    what: 'a required property without a default is missing',
    schema: object({ a: {} }, { required: ['a'] }),
    args: {},
  },
  {
    what: 'a property named like a member of every object is missing',
    schema: object({ constructor: { type: 'string', default: 'x' } }, { required: ['constructor'] }),
    args: {},
    fitted: { constructor: 'x' },
  },
  {
    what: 'a format is no constraint',
    schema: object({ id: { type: 'string', format: 'uuid' }, at: { type: 'string', format: 'date-time' } }),
    args: { id: '1429989fe8ac4effbc8f57f56486db54', at: 'tomorrow' },
    fitted: { id: '1429989fe8ac4effbc8f57f56486db54', at: 'tomorrow' },
  },
  {
    what: 'a property named format is checked',
    schema: object({ format: { type: 'string', enum: ['png'] } }),
    args: { format: 'gif' },
  },
  {
    what: 'a type that does not exist is no constraint',
    schema: object({ x: { type: 'strng' }, y: { type: ['string', 'decimal'] } }),
    args: { x: 'a', y: 5 },
    fitted: { x: 'a', y: 5 },
  },
  {
    what: 'a bound of draft-04 excludes its number',
    schema: object({ n: { type: 'number', minimum: 0, exclusiveMinimum: true } }),
    args: { n: 0 },
  },
  {
    what: 'a bound of draft-04 admits the next number',
    schema: object({ n: { type: 'number', minimum: 0, exclusiveMinimum: true } }),
    args: { n: 0.5 },
    fitted: { n: 0.5 },
  },
  {
    what: 'numbers are read from text',
    schema: object({ n: { type: 'integer' }, x: { type: 'number' } }),
    args: { n: '5', x: '-0.5' },
    fitted: { n: 5, x: -0.5 },
  },
  {
    what: 'booleans are read from text',
    schema: object({ yes: { type: 'boolean' }, no: { type: 'boolean' } }),
    args: { yes: 'true', no: 'False' },
    fitted: { yes: true, no: false },
  },
  {
    what: 'an array and an object are read from JSON',
    schema: object({ list: { type: 'array', items: { type: 'string' } }, of: { type: 'object' } }),
    args: { list: '["a"]', of: '{"b":[1]}' },
    fitted: { list: ['a'], of: { b: [1] } },
  },
  {
    what: 'text in lists and inner objects is read too',
    schema: object({ list: { type: 'array', items: object({ n: { type: 'integer' } }) } }),
    args: { list: [{ n: '1' }, { n: 2 }, { n: '3' }] },
    fitted: { list: [{ n: 1 }, { n: 2 }, { n: 3 }] },
  },
  {
    what: 'text is read for one of several types',
    schema: object({ n: { anyOf: [{ type: 'integer' }, { type: 'null' }] }, m: { type: ['boolean', 'null'] } }),
    args: { n: '7', m: 'true' },
    fitted: { n: 7, m: true },
  },
  {
    what: 'text stays text where text is allowed',
    schema: object({ n: { type: ['string', 'integer'] }, s: { type: 'string' }, any: {} }),
    args: { n: '5', s: 'true', any: '[1]' },
    fitted: { n: '5', s: 'true', any: '[1]' },
  },
  {
    what: 'text of the wrong pattern does not become a number',
    schema: object({ s: { type: 'string', pattern: '^[a-z]+$' } }),
    args: { s: '5' },
  },
  { what: 'a word is no number', schema: object({ n: { type: 'number' } }), args: { n: 'five' } },
  { what: 'half a number is no integer', schema: object({ n: { type: 'integer' } }), args: { n: '5.5' } },
  {
    what: 'a number that would lose digits stays refused',
    schema: object({ n: { type: 'integer' } }),
    args: { n: '12345678901234567890' },
  },
  { what: 'a word is no list', schema: object({ list: { type: 'array' } }), args: { list: 'a' } },
  {
    what: 'a list with wrong items stays refused',
    schema: object({ list: { type: 'array', items: { type: 'string' } } }),
    args: { list: '[1]' },
  },
  {
    what: 'an unknown property stays refused',
    schema: object({ n: { type: 'integer' } }, { additionalProperties: false }),
    args: { n: '5', why: 'x' },
  },
];

describe('arguments fitted to a schema', () => {
  for (const { what, schema, args, fitted } of rows) {
    it(what, () => {
      const given = structuredClone(args);
      const { arguments: result, result: check } = fit(schema, args);
      assert.equal(check.valid, fitted !== undefined, JSON.stringify(check));
      assert.deepEqual(result, fitted ?? args);
      assert.deepEqual(args, given, 'the given arguments are not modified');
    });
  }

  it('are explained by what no repair mends', () => {
    const schema = object({ a: { type: 'integer' }, b: { type: 'integer' } });
    const { result } = fit(schema, { a: '5', b: 'five' });
    assert.deepEqual(result.valid === false && result.violation.path, ['b']);
  });

  it('end for a schema that refers to itself', () => {
    const tree: Record<string, unknown> = object(
      { child: { $ref: '#' }, n: { type: 'integer', default: 1 } },
      { required: ['n'] },
    );
    assert.deepEqual(fit(tree, { child: { child: {} } }).arguments, { child: { child: { n: 1 }, n: 1 }, n: 1 });
    assert.equal(fit({ $ref: '#' }, { a: 1 }).result.valid, null);
  });

  it('end within the time of one check', () => {
    const schema = object({ list: { type: 'array', items: { pattern: '^(x+)+$' } } });
    const { result } = fit(schema, { list: [`${'x'.repeat(50)}!`] });
    assert.equal(result.valid, null);
  });
});
