/**
 * Reads JSON Schemas of untrusted sources: finds the subschemas of a schema and follows local references. Draft-04 to
 * 2020-12 share these keywords. Pure.
 */
import { isObject, type JsonObject } from './json.ts';

/** Keywords whose value is one schema. `items` may also be a list of schemas, up to 2019-09. */
const ONE = [
  'items',
  'additionalItems',
  'unevaluatedItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
];
const LISTS = ['anyOf', 'oneOf', 'allOf', 'prefixItems', 'items'];
/** Keywords whose value has a schema under each name. `dependencies` may also have lists of names. */
const MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'];

/** The types of JSON Schema. */
export const SCHEMA_TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'] as const;

/** The schema with each direct subschema replaced by `change`. Other values stay: `enum` and `default` hold no schemas. */
export function mapSubschemas(schema: JsonObject, change: (subschema: JsonObject) => JsonObject): JsonObject {
  const changed = (value: unknown): unknown => (isObject(value) ? change(value) : value);
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (LISTS.includes(keyword) && Array.isArray(value)) return [keyword, value.map(changed)];
      if (MAPS.includes(keyword) && isObject(value))
        return [keyword, Object.fromEntries(Object.entries(value).map(([name, each]) => [name, changed(each)]))];
      return [keyword, ONE.includes(keyword) ? changed(value) : value];
    }),
  );
}

/** References that refer to references. A circle ends here. */
const MAX_REFERENCES = 16;

/**
 * The schema that `schema` refers to, with the keywords beside `$ref` added. Null for a reference out of `root`, to nothing,
 * or in a circle.
 */
export function followReference(schema: JsonObject, root: JsonObject): JsonObject | null {
  let followed = schema;
  for (let steps = 0; steps < MAX_REFERENCES; steps += 1) {
    const { $ref: reference, ...beside } = followed;
    if (typeof reference !== 'string') return followed;
    const target = targetOf(reference, root);
    if (target === null) return null;
    followed = { ...target, ...beside };
  }
  return null;
}

/** The schema at a JSON pointer (RFC 6901) in a URI fragment, `#/$defs/name`. Null if there is none. */
function targetOf(reference: string, root: JsonObject): JsonObject | null {
  if (!/^#(?:\/|$)/.test(reference)) return null;
  let target: unknown = root;
  for (const step of reference.split('/').slice(1)) {
    const name = unescaped(step);
    target =
      typeof target === 'object' && target !== null && Object.hasOwn(target, name)
        ? Reflect.get(target, name)
        : undefined;
  }
  return isObject(target) ? target : null;
}

function unescaped(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}
