/** Tests the form of tool schemas for providers: what each kind becomes, and that no form has what some API refuses. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isObject } from '../../src/json.ts';
import { declaredSchema } from '../../src/llm/tools/declared-schema.ts';
import { createPropertyNames } from '../../src/llm/tools/property-names.ts';

type Schema = Record<string, unknown>;

const declared = (schema: Schema) => declaredSchema(schema, createPropertyNames(schema));
const object = (properties: Schema, more: Schema = {}): Schema => ({ type: 'object', properties, ...more });
/** The declaration of a property with this schema. */
const property = (schema: unknown, more: Schema = {}): unknown => {
  const { properties } = declared(object({ p: schema }, more));
  return isObject(properties) ? properties['p'] : null;
};

const KNOWN = [
  'type',
  'description',
  'properties',
  'required',
  'items',
  'enum',
  'anyOf',
  'format',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
];

/** What OpenAI, Anthropic, Gemini or Vertex AI would refuse in the schema. */
function refusals(schema: unknown, path: string): string[] {
  if (!isObject(schema)) return [`${path}: is no object`];
  const { type, properties, required, items, enum: values, anyOf, format } = schema;
  const unknown = Object.keys(schema).filter((key) => !KNOWN.includes(key));
  const isAnyOf = Array.isArray(anyOf);
  const faults: [boolean, string][] = [
    [unknown.length > 0, `has ${unknown.join()}`],
    [isAnyOf && Object.keys(schema).length > 1, 'has something beside anyOf'],
    [isAnyOf && path === '', 'has anyOf at the top'],
    [!isAnyOf && typeof type !== 'string', 'has no single type'],
    [type === 'null', 'has the type null'],
    [type === 'object' && !isObject(properties), 'is an object without properties'],
    [type === 'array' && !isObject(items), 'is an array without items'],
    [type !== 'object' && (properties !== undefined || required !== undefined), 'has properties and is no object'],
    [
      required !== undefined &&
        !(
          Array.isArray(required) &&
          required.length > 0 &&
          required.every((name) => isObject(properties) && name in properties)
        ),
      'requires what is not there',
    ],
    [
      values !== undefined &&
        !(
          type === 'string' &&
          Array.isArray(values) &&
          values.every((value) => typeof value === 'string' && value !== '')
        ),
      'has an enum of other values than texts',
    ],
    [format !== undefined && format !== 'date-time', 'has a format'],
    [path.split('/').length > 24, 'is too deep'],
  ];
  const names = isObject(properties) ? Object.keys(properties) : [];
  return [
    ...faults.filter(([isFault]) => isFault).map(([, fault]) => `${path}: ${fault}`),
    ...names.filter((name) => !/^[a-zA-Z0-9_.-]{1,64}$/.test(name)).map((name) => `${path}: the name ${name}`),
    ...(isObject(properties)
      ? Object.entries(properties).flatMap(([name, each]) => refusals(each, `${path}/p/${name}`))
      : []),
    ...(items === undefined ? [] : refusals(items, `${path}/items/`)),
    ...(isAnyOf ? anyOf.flatMap((each, index) => refusals(each, `${path}/${index}`)) : []),
  ];
}

const tree = {
  type: 'object',
  properties: {
    value: { type: 'string' },
    children: { type: 'array', items: { $ref: '#/$defs/tree' } },
    next: { anyOf: [{ $ref: '#/$defs/tree' }, { type: 'null' }] },
  },
};
let deep: Schema = { type: 'string' };
for (let level = 0; level < 60; level += 1)
  deep = level % 2 === 0 ? object({ d: deep }) : { type: 'array', items: deep };

const hard: Record<string, Schema> = {
  'no properties': { type: 'object' },
  'no type': { properties: { a: { type: 'string' } } },
  'arrays without items': object({
    a: { type: 'array' },
    b: { type: 'array', items: true },
    c: { type: 'array', items: {} },
    d: { items: [{ type: 'string' }] },
  }),
  'anyOf at the top': object({ a: {} }, { anyOf: [{ required: ['a'] }, { required: ['b'] }] }),
  'oneOf, allOf, not and enum at the top': object(
    {},
    { oneOf: [tree], allOf: [tree], not: { required: ['x'] }, enum: [{}] },
  ),
  'conditions at the top': object({ a: {} }, { if: { required: ['a'] }, else: {}, dependentRequired: { a: ['b'] } }),
  'odd names': object(
    { $filter: {}, 'a b': {}, ['x'.repeat(80)]: {}, ü: {}, '': {}, inner: object({ '@type': {} }) },
    { required: ['$filter', 'ü', 'gone'] },
  ),
  'lists of types': object({
    a: { type: ['string', 'null'] },
    b: { type: ['string', 'array', 'object'] },
    c: { type: ['null'] },
    d: { type: [] },
  }),
  constants: object({ a: { const: 5 }, b: { const: 'x' }, c: { const: null }, d: { const: {} }, e: { const: true } }),
  'enums of all kinds': object({
    a: { enum: [1, 2] },
    b: { enum: ['', 'x'] },
    c: { enum: [null] },
    d: { enum: ['a', null] },
    e: { type: 'integer', enum: [1] },
    f: { enum: [] },
    g: { enum: [true, 'a', {}] },
  }),
  references: object(
    {
      a: { $ref: '#/$defs/tree' },
      b: { $ref: '#' },
      c: { $ref: 'http://127.0.0.1:9/x' },
      d: { $ref: '#/nowhere' },
      e: { $ref: '#/$defs/circle' },
    },
    { $defs: { tree, circle: { $ref: '#/$defs/circle' } } },
  ),
  'a reference at the top': { $ref: '#/$defs/tree', $defs: { tree } },
  'boolean schemas': object({ a: true, b: false, c: { anyOf: [true, false, { type: 'string' }] }, d: { not: true } }),
  'additional properties': object(
    {
      a: { type: 'object', additionalProperties: { type: 'number' } },
      b: { type: 'object', patternProperties: { '^x': {} }, additionalProperties: false },
    },
    { additionalProperties: false, $schema: 'urn:x' },
  ),
  bounds: object({
    a: { type: 'number', exclusiveMinimum: true, minimum: 0 },
    b: { exclusiveMaximum: 5, multipleOf: 2 },
    c: { type: 'integer', minimum: 'x' },
  }),
  'patterns and formats': object({
    a: { type: 'string', pattern: '^x', minLength: 1 },
    b: { format: 'uri' },
    c: { type: 'string', format: 'date-time' },
    d: { type: 'integer', format: 'int64' },
  }),
  'alternatives of all kinds': object({
    a: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    b: { oneOf: [{ const: 'x' }, { const: 'y' }] },
    c: { type: 'string', anyOf: [{ pattern: 'a' }, { pattern: 'b' }] },
    d: { anyOf: [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, {}] },
    e: { type: 'object', oneOf: [object({ k: { const: 'a' } }), object({ k: { const: 'b' }, l: tree })] },
    f: { anyOf: [] },
    g: { anyOf: [{ type: 'null' }] },
    h: { allOf: [{ type: 'string' }, { enum: ['a'] }, { $ref: '#' }] },
  }),
  'a deep schema': deep,
  'wrong values': object(
    {
      a: 'text',
      b: null,
      c: { type: 'strng', description: 5, required: 'x', properties: [] },
      d: { anyOf: 'x', items: 7 },
    },
    { required: [5, null] },
  ),
  'members of every object': object(
    { constructor: {}, toString: { type: 'string' } },
    { required: ['constructor', 'hasOwnProperty'] },
  ),
};

describe('the declared schema', () => {
  for (const [what, schema] of Object.entries(hard)) {
    it(`has nothing that an API refuses for ${what}`, () => {
      const given = structuredClone(schema);
      assert.notDeepEqual(refusals(schema, ''), [], 'some API refuses it as it is');
      assert.deepEqual(refusals(declared(schema), ''), []);
      assert.deepEqual(schema, given, 'the schema is not modified');
    });
  }

  it('is the same as a plain schema', () => {
    const plain = object(
      {
        a: { type: 'number', description: 'One.', minimum: 1 },
        list: { type: 'array', items: { type: 'string', enum: ['x'] } },
      },
      { required: ['a'] },
    );
    assert.deepEqual(declared(plain), plain);
  });

  for (const { what, schema, becomes, more = {} } of [
    {
      what: 'null among the types is said',
      schema: { type: ['string', 'null'], description: 'A name.' },
      becomes: { type: 'string', description: 'A name. May be null.' },
    },
    {
      what: 'null among the alternatives is said',
      schema: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }], default: null },
      becomes: { type: 'integer', minimum: 1, description: '(default: null) May be null.' },
    },
    {
      what: 'literals become an enum',
      schema: { anyOf: [{ const: 'a' }, { const: 'b' }] },
      becomes: { type: 'string', enum: ['a', 'b'] },
    },
    {
      what: 'several types become alternatives',
      schema: { type: ['string', 'number'], description: 'd' },
      becomes: { anyOf: [{ type: 'string', description: 'd' }, { type: 'number' }] },
    },
    {
      what: 'numbers of an enum are said',
      schema: { enum: [1, 2] },
      becomes: { type: 'integer', description: '(enum: [1,2])' },
    },
    {
      what: 'what a string must look like is said',
      schema: { type: 'string', pattern: '^a', format: 'uri', default: 'a' },
      becomes: { type: 'string', description: '(default: "a", format: "uri", pattern: "^a")' },
    },
    {
      what: 'values of a map are said',
      schema: { type: 'object', additionalProperties: { type: 'string' } },
      becomes: { type: 'object', properties: {}, description: '(additionalProperties: {"type":"string"})' },
    },
    {
      what: 'references are filled in',
      schema: { $ref: '#/$defs/unit', description: 'The unit.' },
      more: { $defs: { unit: { type: 'string', enum: ['m'], description: 'A unit.' } } },
      becomes: { type: 'string', enum: ['m'], description: 'The unit.' },
    },
    {
      what: 'parts are joined',
      schema: {
        allOf: [
          { properties: { a: { type: 'string' } }, required: ['a'] },
          { properties: { b: { type: 'string' } }, required: ['b'] },
        ],
      },
      becomes: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, required: ['a', 'b'] },
    },
  ] as { what: string; schema: Schema; becomes: Schema; more?: Schema }[]) {
    it(what, () => assert.deepEqual(property(schema, more), becomes));
  }

  it('joins alternatives at the top: all properties, required what all require', () => {
    const forms = [
      object({ kind: { const: 'a' }, x: { type: 'string' } }, { required: ['kind', 'x'] }),
      object({ kind: { const: 'b' } }, { required: ['kind'] }),
    ];
    const { description, ...joined } = declared({ type: 'object', oneOf: forms });
    assert.deepEqual(
      joined,
      object({ kind: { type: 'string', enum: ['a', 'b'] }, x: { type: 'string' } }, { required: ['kind'] }),
    );
    assert.match(String(description), /^\(anyOf: \[/);
  });

  it('stays small for references that multiply', () => {
    const $defs: Schema = {};
    for (let level = 0; level < 9; level += 1)
      $defs[`l${level}`] = object(
        Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, { $ref: `#/$defs/l${level + 1}` }])),
      );
    $defs['l9'] = { type: 'string' };
    const schema = declared({ $ref: '#/$defs/l0', $defs });
    assert.ok(JSON.stringify(schema).length < 100_000);
    assert.deepEqual(refusals(schema, ''), []);
  });
});

describe('the names of properties', () => {
  it('come back in the arguments of a call', () => {
    const names = createPropertyNames(
      object({ $filter: {}, _filter: {}, list: { type: 'array', items: object({ '@id': {} }) } }),
    );
    assert.deepEqual(names.declared('_filter'), '_filter');
    const given = { [names.declared('$filter')]: 1, _filter: 2, list: [{ [names.declared('@id')]: 3 }] };
    assert.deepEqual(names.restored(given), { $filter: 1, _filter: 2, list: [{ '@id': 3 }] });
  });
});
