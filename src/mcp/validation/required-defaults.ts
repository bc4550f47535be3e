/**
 * Fills in required properties that a tool's schema has defaults for. Pure.
 */
import { isObject, type JsonObject } from '../../json.ts';
import { followReference } from '../../json-schema.ts';

/** Levels of arguments that are searched for missing properties. */
const MAX_LEVELS = 32;

/**
 * The arguments with the default of each required property that is missing. Generators mark a property with a default as
 * required, because it exists after parsing (https://github.com/colinhacks/zod/issues/4134). Copies only what changes.
 */
export function withRequiredDefaults(args: Record<string, unknown>, root: JsonObject): Record<string, unknown> {
  const filled = fill(args, root, root, MAX_LEVELS);
  return isObject(filled) ? filled : args;
}

function fill(value: unknown, schema: unknown, root: JsonObject, levels: number): unknown {
  const followed = isObject(schema) && levels > 0 ? followReference(schema, root) : null;
  if (followed === null) return value;
  const { allOf } = followed;
  const whole = Array.isArray(allOf)
    ? allOf.reduce<unknown>((before, part: unknown) => fill(before, part, root, levels - 1), value)
    : value;
  if (Array.isArray(whole)) return fillItems(whole, followed['items'], root, levels - 1);
  return isObject(whole) ? fillProperties(whole, followed, root, levels - 1) : whole;
}

function fillItems(values: readonly unknown[], items: unknown, root: JsonObject, levels: number): readonly unknown[] {
  const filled = values.map((value) => fill(value, items, root, levels));
  return filled.some((value, index) => value !== values[index]) ? filled : values;
}

function fillProperties(value: JsonObject, { properties, required }: JsonObject, root: JsonObject, levels: number) {
  if (!isObject(properties)) return value;
  const names: unknown[] = Array.isArray(required) ? required : [];
  const added = Object.entries(properties).flatMap(([name, schema]): [string, unknown][] => {
    if (Object.hasOwn(value, name)) {
      const filled = fill(value[name], schema, root, levels);
      return filled === value[name] ? [] : [[name, filled]];
    }
    const followed = names.includes(name) && isObject(schema) ? followReference(schema, root) : null;
    return followed?.['default'] === undefined ? [] : [[name, followed['default']]];
  });
  return added.length === 0 ? value : { ...value, ...Object.fromEntries(added) };
}
