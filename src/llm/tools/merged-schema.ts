/**
 * Resolves what a schema says in several places into one: references, `allOf`, `const`, and alternatives of objects. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonObject } from '../../json.ts';
import { followReference } from '../../json-schema.ts';

/** Where the conversion of a schema stands. */
export interface SchemaPlace {
  /** References are resolved in it. */
  root: JsonObject;
  /** The references that lead here. A schema that contains itself would never end. */
  within: readonly string[];
}

/** The schema with its references and its `allOf` resolved. Null for one that contains itself or refers to nothing. */
export function resolveSchema(
  schema: JsonObject,
  place: SchemaPlace,
): { schema: JsonObject; place: SchemaPlace } | null {
  const { $ref: reference } = schema;
  if (typeof reference === 'string' && place.within.includes(reference)) return null;
  const followed = followReference(schema, place.root);
  if (followed === null) return null;
  const inner = typeof reference === 'string' ? { ...place, within: [...place.within, reference] } : place;
  const { allOf, const: constant, ...others } = followed;
  const own = constant === undefined ? others : { ...others, enum: [constant] };
  const parts = Array.isArray(allOf) ? allOf.filter(isObject).map((part) => resolveSchema(part, inner)) : [];
  return {
    schema: parts.reduce<JsonObject>((before, part) => (part === null ? before : withBoth(before, part.schema)), own),
    // A reference of a part is open too.
    place: { ...inner, within: [...new Set([...inner.within, ...parts.flatMap((part) => part?.place.within ?? [])])] },
  };
}

/** Both schemas hold. The first one wins where only one can be said. */
function withBoth(one: JsonObject, other: JsonObject): JsonObject {
  return {
    ...other,
    ...one,
    ...merged('properties', one, other),
    ...(isArray(one['required']) && isArray(other['required'])
      ? { required: [...new Set([...one['required'], ...other['required']])] }
      : {}),
  };
}

/**
 * One object for alternatives of objects, because APIs take none at the top: it has the properties of all, and requires what
 * all require.
 */
export function withAlternatives(schema: JsonObject, alternatives: readonly JsonObject[]): JsonObject {
  const required = alternatives
    .map((each): unknown[] => (isArray(each['required']) ? each['required'] : []))
    .reduce((before, names) => before.filter((name) => names.includes(name)));
  const own: unknown[] = isArray(schema['required']) ? schema['required'] : [];
  const variants = new Map<string, unknown[]>();
  for (const { properties } of [schema, ...alternatives])
    for (const [name, property] of isObject(properties) ? Object.entries(properties) : [])
      variants.set(name, [...(variants.get(name) ?? []), property]);
  const properties = [...variants].map(([name, [first, ...others]]): [string, unknown] => {
    const distinct = others.filter((other) => !isDeepStrictEqual(other, first));
    return [name, distinct.length === 0 ? first : { anyOf: [first, ...distinct] }];
  });
  return {
    ...schema,
    type: 'object',
    properties: Object.fromEntries(properties),
    required: [...new Set([...own, ...required])],
  };
}

function merged(keyword: string, one: JsonObject, other: JsonObject): JsonObject {
  const [first, second] = [one[keyword], other[keyword]];
  return isObject(second) ? { [keyword]: isObject(first) ? { ...second, ...first } : second } : {};
}

function isArray(value: unknown): value is unknown[] {
  return Array.isArray(value);
}
