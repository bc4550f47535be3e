/**
 * Reads which types of values a resolved schema allows. Pure.
 */
import { isObject, type JsonObject } from '../../json.ts';
import { SCHEMA_TYPES } from '../../json-schema.ts';

/** A type of JSON Schema without `null`. */
export type SchemaType = Exclude<(typeof SCHEMA_TYPES)[number], 'null'>;

/** Whether only null fits the schema. */
export function isNull(schema: JsonObject): boolean {
  return (
    schema['type'] === 'null' || (enumOf(schema).length === 0 && allowsNull(schema) && schema['type'] === undefined)
  );
}

/** Whether null is one of the alternatives. */
export function allowsNullIn(anyOf: unknown): boolean {
  return Array.isArray(anyOf) && anyOf.some((each) => isObject(each) && (isNull(each) || each['const'] === null));
}

/** Whether the schema names null among its types or values. */
export function allowsNull({ type, enum: values, nullable }: JsonObject): boolean {
  return (
    nullable === true ||
    (Array.isArray(type) && type.includes('null')) ||
    (Array.isArray(values) && values.includes(null))
  );
}

/** The values but null. */
export function enumOf({ enum: values }: JsonObject): unknown[] {
  return Array.isArray(values) ? values.filter((value: unknown) => value !== null) : [];
}

/** Gemini refuses an empty text in an enum. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** The types that the schema names, without null; else what its keywords are for. Empty if it says nothing. */
export function typesOf(schema: JsonObject): SchemaType[] {
  const { type } = schema;
  const written: unknown[] = Array.isArray(type) ? type : [type];
  const named = SCHEMA_TYPES.filter((name): name is SchemaType => name !== 'null' && written.includes(name));
  if (named.length > 0) return named.includes('number') ? named.filter((name) => name !== 'integer') : named;
  const has = (...keywords: string[]) => keywords.some((keyword) => schema[keyword] !== undefined);
  if (has('properties', 'required', 'additionalProperties', 'patternProperties')) return ['object'];
  if (has('items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems')) return ['array'];
  const values = enumOf(schema);
  if (values.length > 0) return typesOfValues(values);
  if (has('pattern', 'minLength', 'maxLength', 'format')) return ['string'];
  return has('minimum', 'maximum', 'multipleOf') ? ['number'] : [];
}

function typesOfValues(values: readonly unknown[]): SchemaType[] {
  const found = new Set(
    values.map((value): SchemaType => {
      if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
      if (typeof value === 'string' || typeof value === 'boolean') return typeof value as SchemaType;
      return Array.isArray(value) ? 'array' : 'object';
    }),
  );
  if (found.has('number')) found.delete('integer');
  return [...found];
}
