/**
 * Removes null from the optional fields of a payload, nested objects included, because many clients write null for a field
 * that they leave out. Null stays where any JSON is allowed: there it is data.
 */
import { z } from 'zod';

/** Returns the value, or a copy without the nulls. Values that do not fit the schema are left for it to reject. */
export type DropNulls = (value: unknown) => unknown;

/** Reads the schema once. Optional are fields that may be absent, and entries of a record whose values cannot be null. */
export function createNullDropper(schema: z.core.$ZodType): DropNulls {
  return dropperOf(schema) ?? ((value) => value);
}

/** Null if no value of the schema has optional fields. */
function dropperOf(schema: z.core.$ZodType): DropNulls | null {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return dropperOf(schema.unwrap());
  if (schema instanceof z.ZodPipe) return dropperOf(schema.in);
  if (schema instanceof z.ZodObject) {
    const fields = new Map(Object.entries<z.core.$ZodType>(schema.shape).map(([name, field]) => [name, ruleOf(field)]));
    return (value) => withoutNulls(value, (name) => fields.get(name));
  }
  if (schema instanceof z.ZodRecord) {
    const rule = { ...ruleOf(schema.valueType), isOptional: !accepts(schema.valueType, null) };
    return (value) => withoutNulls(value, () => rule);
  }
  if (schema instanceof z.ZodArray) {
    const drop = dropperOf(schema.element);
    return drop && ((value) => (Array.isArray(value) ? value.map(drop) : value));
  }
  return null;
}

interface FieldRule {
  /** Whether null means that the field is absent. */
  isOptional: boolean;
  drop: DropNulls | null;
}

function ruleOf(field: z.core.$ZodType): FieldRule {
  return { isOptional: accepts(field, undefined) && !accepts(field, null), drop: dropperOf(field) };
}

function accepts(schema: z.core.$ZodType, value: unknown): boolean {
  return z.safeParse(schema, value).success;
}

function withoutNulls(value: unknown, ruleFor: (name: string) => FieldRule | undefined): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]: [string, unknown]) => {
      const rule = ruleFor(name);
      return field === null && rule?.isOptional === true ? [] : [[name, rule?.drop ? rule.drop(field) : field]];
    }),
  );
}
