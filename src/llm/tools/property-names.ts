/**
 * Gives properties of a schema names that every API takes, and their own names back to a model's arguments. Pure.
 */
import { isObject, type JsonObject } from '../../json.ts';
import { mapSubschemas } from '../../json-schema.ts';

/** Anthropic's pattern for the keys of `input_schema.properties`, the strictest. */
const SAFE = /^[a-zA-Z0-9_.-]{1,64}$/;
const MAX_CHARS = 64;

/** The names of one schema. */
export interface PropertyNames {
  /** The name in the declaration. */
  declared(name: string): string;
  /** The value with the own names of all properties in it. */
  restored(value: unknown): unknown;
}

/** The names of all properties in the schema. */
export function createPropertyNames(schema: JsonObject): PropertyNames {
  const taken = new Set<string>();
  const unsafe = new Set<string>();
  const collect = (part: JsonObject): JsonObject => {
    const { properties } = part;
    for (const name of isObject(properties) ? Object.keys(properties) : [])
      (SAFE.test(name) ? taken : unsafe).add(name);
    return mapSubschemas(part, collect);
  };
  collect(schema);
  const declared = new Map<string, string>();
  const own = new Map<string, string>();
  for (const name of unsafe) {
    const base = name.replaceAll(/[^a-zA-Z0-9_.-]/g, '_');
    let safe = base.slice(0, MAX_CHARS) || '_';
    for (let number = 2; taken.has(safe); number += 1) safe = `${base.slice(0, MAX_CHARS - 6)}_${number}`;
    taken.add(safe);
    declared.set(name, safe);
    own.set(safe, name);
  }
  const restored = (value: unknown): unknown => {
    if (own.size === 0) return value;
    if (Array.isArray(value)) return value.map(restored);
    return isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [own.get(name) ?? name, restored(inner)]))
      : value;
  };
  return { declared: (name) => declared.get(name) ?? name, restored };
}
