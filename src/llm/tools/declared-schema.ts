/**
 * Converts a tool's schema into the form that every API takes, because one refused schema fails all turns. The form has one
 * type a schema, properties with types, lists with items, enums of texts, and no combinator at the top. What it cannot say
 * stands in descriptions. The server's own schema still checks the arguments. Pure.
 */
import { isObject, type JsonObject } from '../../json.ts';
import { resolveSchema, withAlternatives, type SchemaPlace } from './merged-schema.ts';
import type { PropertyNames } from './property-names.ts';
import { descriptionOf, ownText } from './schema-notes.ts';
import { allowsNull, allowsNullIn, enumOf, isNull, isText, typesOf, type SchemaType } from './schema-types.ts';

/** OpenAI's limit of nesting for structured outputs. */
const MAX_LEVELS = 10;
/** Schemas in one declaration. References that are used often would multiply it. */
const MAX_SCHEMAS = 1_000;
/** OpenAI's limit for the values of all enums. */
const MAX_ENUM = 1_000;

/** Any value. Vertex AI refuses a property without a type. */
const ANY: JsonObject = {
  anyOf: [
    { type: 'string' },
    { type: 'number' },
    { type: 'boolean' },
    { type: 'object', properties: {} },
    { type: 'array', items: { type: 'string' } },
  ],
};

/** The declaration's `parameters`. Always an object with `properties`: OpenAI refuses one without. */
export function declaredSchema(root: JsonObject, names: PropertyNames): JsonObject {
  let left = MAX_SCHEMAS;

  const convert = (value: unknown, outer: SchemaPlace, level: number): JsonObject => {
    left -= 1;
    const resolved = isObject(value) ? resolveSchema(value, outer) : { schema: {}, place: outer };
    if (resolved === null) return described({ type: 'object', properties: {} }, isObject(value) ? ownText(value) : '');
    const { schema, place } = resolved;
    const { oneOf, anyOf = oneOf, ...base } = schema;
    const alternatives = Array.isArray(anyOf) ? alternativesOf(anyOf, place) : [];
    const isObjectItself = level === 0 || isObject(base['properties']) || base['type'] === 'object';
    const [only] = alternatives;
    if (only === undefined) return convertPlain(base, place, level, allowsNullIn(anyOf), []);
    if (isObjectItself) {
      const whole = {
        ...withAlternatives(
          base,
          alternatives.map((each) => each.schema),
        ),
        anyOf,
      };
      const within = [...new Set([place, ...alternatives.map((each) => each.place)].flatMap((each) => each.within))];
      return convertPlain(whole, { ...place, within }, level, false, ['anyOf']);
    }
    if (base['type'] !== undefined) return convertPlain({ ...base, anyOf }, place, level, false, ['anyOf']);
    if (alternatives.length > 1) return convertAlternatives(base, alternatives, place, level, allowsNullIn(anyOf));
    left += 1;
    return convert({ ...only.written, ...base, ...(allowsNullIn(anyOf) ? { nullable: true } : {}) }, place, level);
  };

  const convertAlternatives = (
    base: JsonObject,
    alternatives: readonly Alternative[],
    place: SchemaPlace,
    level: number,
    nullable: boolean,
  ): JsonObject => {
    const texts = alternatives.flatMap(({ schema }) => enumOf(schema));
    if (texts.every(isText) && alternatives.every(({ schema }) => enumOf(schema).length > 0))
      return convertPlain({ ...base, type: 'string', enum: [...new Set(texts)] }, place, level, nullable, []);
    const converted = alternatives.map(({ written }) => convert(written, place, level));
    const flat = converted.flatMap(({ anyOf, ...own }) => (Array.isArray(anyOf) ? anyOf.filter(isObject) : [own]));
    return oneOfMany(flat, withNull(descriptionOf(base), nullable));
  };

  /** A schema without alternatives, but for those of `type`. */
  const convertPlain = (
    schema: JsonObject,
    place: SchemaPlace,
    level: number,
    nullable: boolean,
    noted: readonly string[],
  ): JsonObject => {
    const types: SchemaType[] = level === 0 ? ['object'] : typesOf(schema);
    const mayBeNull = nullable || allowsNull(schema);
    const [type] = types;
    if (type === undefined)
      return oneOfMany(anyAlternatives(), withNull(descriptionOf(schema, ['enum', ...noted]), mayBeNull));
    if (types.length === 1) return convertTyped(schema, type, place, level, mayBeNull, noted);
    const { description: _text, enum: values, ...others } = schema;
    const each = types.map((one) => convertTyped(others, one, place, level, false, []));
    return oneOfMany(
      each,
      withNull(descriptionOf(values === undefined ? {} : { enum: values }, ['enum'], ownText(schema)), mayBeNull),
    );
  };

  const convertTyped = (
    schema: JsonObject,
    type: SchemaType,
    place: SchemaPlace,
    level: number,
    nullable: boolean,
    noted: readonly string[],
  ): JsonObject => {
    const isTooDeep = level >= MAX_LEVELS || left <= 0;
    const { format: _format, ...withoutFormat } = schema;
    const values = enumOf(schema);
    const keepsEnum = type === 'string' && values.length > 0 && values.length <= MAX_ENUM && values.every(isText);
    const keepsFormat = type === 'string' && schema['format'] === 'date-time';
    const text = withNull(
      descriptionOf(keepsFormat ? withoutFormat : schema, keepsEnum ? noted : ['enum', ...noted]),
      nullable,
    );
    switch (type) {
      case 'object':
        return described({ type, ...(isTooDeep ? { properties: {} } : membersOf(schema, place, level)) }, text);
      case 'array': {
        const { items } = schema;
        const item = isTooDeep ? { type: 'string' } : convert(Array.isArray(items) ? {} : items, place, level + 1);
        return described({ type, items: item, ...bounds(schema, ['minItems', 'maxItems']) }, text);
      }
      case 'string':
        return described(
          { type, ...(keepsEnum ? { enum: values } : {}), ...(keepsFormat ? { format: 'date-time' } : {}) },
          text,
        );
      case 'number':
      case 'integer':
        return described({ type, ...bounds(schema, ['minimum', 'maximum']) }, text);
      case 'boolean':
        return described({ type }, text);
    }
  };

  const membersOf = (schema: JsonObject, place: SchemaPlace, level: number): JsonObject => {
    const properties = isObject(schema['properties']) ? schema['properties'] : {};
    const declared = Object.entries(properties).flatMap(([name, property]): [string, JsonObject][] =>
      // `false`: no value is allowed.
      property === false || left <= 0 ? [] : [[names.declared(name), convert(property, place, level + 1)]],
    );
    const listed: unknown[] = Array.isArray(schema['required']) ? schema['required'] : [];
    const known = new Set(declared.map(([name]) => name));
    const required = [...new Set(listed.filter((name) => typeof name === 'string').map(names.declared))].filter(
      (name) => known.has(name),
    );
    return { properties: Object.fromEntries(declared), ...(required.length === 0 ? {} : { required }) };
  };

  return convert(root, { root, within: [] }, 0);
}

/** An alternative as it stands in `anyOf`, and resolved. */
interface Alternative {
  written: JsonObject;
  schema: JsonObject;
  place: SchemaPlace;
}

/** The alternatives without null, and without `false`, which nothing fits. */
function alternativesOf(anyOf: readonly unknown[], place: SchemaPlace): Alternative[] {
  return anyOf
    .filter(isObject)
    .map((written) => ({ written, ...(resolveSchema(written, place) ?? { schema: {}, place }) }))
    .filter(({ schema }) => !isNull(schema));
}

function bounds(schema: JsonObject, keywords: readonly string[]): JsonObject {
  return Object.fromEntries(
    keywords.flatMap((keyword) => (Number.isFinite(schema[keyword]) ? [[keyword, schema[keyword]]] : [])),
  );
}

function anyAlternatives(): JsonObject[] {
  const { anyOf } = ANY;
  return Array.isArray(anyOf) ? anyOf.filter(isObject) : [];
}

/** Gemini takes nothing beside `anyOf`, so the first alternative has the text of all. */
function oneOfMany([first = {}, ...others]: readonly JsonObject[], text: string): JsonObject {
  const inFirst = described(first, [text, ownText(first)].filter(Boolean).join(' '));
  return others.length === 0 ? inFirst : { anyOf: [inFirst, ...others] };
}

function described(schema: JsonObject, text: string): JsonObject {
  return text === '' ? schema : { ...schema, description: text };
}

function withNull(text: string, nullable: boolean): string {
  return nullable ? [text, 'May be null.'].filter(Boolean).join(' ') : text;
}
