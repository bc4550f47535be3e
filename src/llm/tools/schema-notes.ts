/**
 * Moves what APIs do not take in a schema into its description, where models read it as well. Pure.
 */
import type { JsonObject } from '../../json.ts';

/**
 * Keywords that some API refuses: OpenAI's strict mode, Gemini (https://ai.google.dev/api/caching#Schema) or Anthropic. The
 * remaining keywords are for people and programs.
 */
const NOTED = [
  'default',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'patternProperties',
  'propertyNames',
  'additionalProperties',
  'prefixItems',
  'contains',
  'not',
  'if',
  'then',
  'else',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'examples',
  'deprecated',
];

/** Of one keyword's value as JSON. A longer one helps no model. */
const MAX_VALUE_CHARS = 300;

/** The schema's description with the given keywords of it, and those of `NOTED`. Empty if there is nothing to say. */
export function descriptionOf(schema: JsonObject, more: readonly string[] = [], own = ownText(schema)): string {
  const notes = [...NOTED, ...more].flatMap((keyword) => {
    const value = schema[keyword];
    const text = isTrivial(keyword, value) ? '' : (JSON.stringify(value) ?? '');
    return text === '' || text.length > MAX_VALUE_CHARS ? [] : [`${keyword}: ${text}`];
  });
  return [own, notes.length === 0 ? '' : `(${notes.join(', ')})`].filter(Boolean).join(' ');
}

/** The description of a schema. Empty if it has none. */
export function ownText({ description }: JsonObject): string {
  return typeof description === 'string' ? description : '';
}

function isTrivial(keyword: string, value: unknown): boolean {
  if (value === undefined) return true;
  return keyword === 'additionalProperties'
    ? typeof value === 'boolean' || JSON.stringify(value) === '{}'
    : value === false && keyword !== 'default';
}
