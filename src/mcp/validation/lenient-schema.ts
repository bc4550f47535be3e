/**
 * Prepares a tool's schema for the check of arguments: what does not decide whether the server takes them is left out, and
 * what no dialect knows. Pure.
 */
import type { JsonObject } from '../../json.ts';
import { mapSubschemas, SCHEMA_TYPES } from '../../json-schema.ts';

/**
 * The schema without `format`, which is an annotation in 2020-12 (section 7.2.1 of its validation specification), without
 * types that do not exist, and with the bounds of draft-04 as numbers.
 */
export function lenientSchema(schema: JsonObject): JsonObject {
  const { format: _format, type, ...others } = mapSubschemas(schema, lenientSchema);
  const known = typesOf(type);
  return {
    ...withNumericBounds(others),
    ...(known.length === 0 ? {} : { type: known.length === 1 ? known[0] : known }),
  };
}

function typesOf(type: unknown): string[] {
  const written: unknown[] = Array.isArray(type) ? type : [type];
  const known = SCHEMA_TYPES.filter((name) => written.includes(name));
  // One unknown type may stand for anything.
  return known.length < written.length ? [] : known;
}

/** Draft-04 has `exclusiveMinimum: true` beside `minimum`. */
function withNumericBounds(schema: JsonObject): JsonObject {
  const bounds = [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ] as const;
  return bounds.reduce<JsonObject>((before, [inclusive, exclusive]) => {
    if (typeof before[exclusive] !== 'boolean') return before;
    const { [inclusive]: bound, [exclusive]: excludes, ...others } = before;
    return bound === undefined ? others : { ...others, [excludes === true ? exclusive : inclusive]: bound };
  }, schema);
}
