/**
 * Drops optional members of what a server sent if they are null or of another type. Serializers of Go, Java, C#, PHP and
 * Python write null for an absent member; the SDK's schemas reject the whole message then. Pure.
 */
import { isObject, type JsonObject } from '../../json.ts';

/** True if the value may stay. */
export type Check = (value: unknown) => boolean;

export const isText: Check = (value) => typeof value === 'string';
export const isNumber: Check = (value) => typeof value === 'number';
export const isFlag: Check = (value) => typeof value === 'boolean';

/** Returns `value` without the listed members that fail their check. Other members stay as they are. */
export function withoutMisfits(value: JsonObject, optional: Readonly<Record<string, Check>>): JsonObject {
  return Object.fromEntries(
    Object.entries(value).filter(([key, member]) => !Object.hasOwn(optional, key) || optional[key]?.(member) === true),
  );
}

/** Returns `value` without members that are null. */
export function withoutNulls(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

/** Returns an object. PHP writes an empty object as `[]`. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** Returns the value as a list: nothing for null, and a list of one for a value without a list around it. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}
