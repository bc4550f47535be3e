/**
 * Describes what the schema allows. Reads zod's JSON Schema of the configuration, so that error messages,
 * config/config.yaml and docs/reference/configuration.md agree with the schema.
 */
import { ownValue } from '../json.ts';
import { z } from 'zod';
import type { KeyPath } from './places.ts';
import { configSchema } from './schema/schema.ts';

/** One node of the configuration's JSON Schema, with `unit` and `allowed` from `.meta()`. */
export type Expected = z.core.JSONSchema.BaseSchema;

/** The JSON Schema of the whole configuration, as users write it. Costs milliseconds, so a good start does not call it. */
export function expectedConfig(): Expected {
  return z.toJSONSchema(configSchema, { io: 'input' });
}

/** The keys of a section, in the schema's order. Empty for anything else. */
export function keysOf(section: Expected): [key: string, expected: Expected][] {
  return Object.entries(section.properties ?? {}).flatMap(([key, value]) =>
    typeof value === 'object' ? [[key, value] satisfies [string, Expected]] : [],
  );
}

/** The schema of a path. Null if the schema does not describe it. */
export function expectedAt(root: Expected, path: KeyPath): Expected | null {
  let node: Expected | null = root;
  for (const step of path) {
    const next: unknown =
      typeof step === 'number' ? node.items : (ownValue(node.properties ?? {}, step) ?? node.additionalProperties);
    if (!isExpected(next)) return null;
    node = next;
  }
  return node;
}

function isExpected(value: unknown): value is Expected {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `a whole number of bytes, 1024 or more`; `one of full, normal`; `text`. */
export function describeAllowed(expected: Expected): string {
  if (typeof expected['allowed'] === 'string') return expected['allowed'];
  if (expected.enum) return `${expected.enum.length === 1 ? '' : 'one of '}${expected.enum.join(', ')}`;
  if (expected.const !== undefined) return String(expected.const);
  switch (expected.type) {
    case 'boolean':
      return 'true or false';
    case 'string':
      return expected.minLength === undefined ? 'text' : 'text that is not empty';
    case 'array':
      return isExpected(expected.items) ? `a list, each entry ${describeAllowed(expected.items)}` : 'a list';
    case 'object':
      return `a section with keys such as ${keysOf(expected)
        .slice(0, 3)
        .map(([key]) => key)
        .join(', ')}`;
    case 'integer':
    case 'number':
      return `a ${expected.type === 'integer' ? 'whole number' : 'number'}${describeUnit(expected)}${describeBounds(expected)}`;
    default:
      return 'something else';
  }
}

function describeUnit(expected: Expected): string {
  return typeof expected['unit'] === 'string' ? ` of ${expected['unit']}` : '';
}

/** zod bounds every integer by what a number can hold. That bound is left out. */
function describeBounds({ minimum, exclusiveMinimum, maximum }: Expected): string {
  const most = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? null : maximum;
  if (exclusiveMinimum !== undefined) return `, above ${exclusiveMinimum}${most === null ? '' : ` and up to ${most}`}`;
  if (minimum !== undefined) return most === null ? `, ${minimum} or more` : ` from ${minimum} to ${most}`;
  return most === null ? '' : `, up to ${most}`;
}
