/**
 * Generates arguments for a tool from its schema: what it requires, by its defaults, examples and bounds. The same
 * schema gives the same arguments. The user supplies what has no simple rule, such as a pattern.
 */

type Schema = Record<string, unknown>;

/** A schema may be recursive. */
const MAX_LEVELS = 8;

export function makeArguments(schema: Schema): Record<string, unknown> {
  const made = make(schema, schema, MAX_LEVELS);
  return isSchema(made) ? made : {};
}

function make(schema: unknown, root: Schema, levels: number): unknown {
  if (!isSchema(schema) || levels === 0) return null;
  const { $ref, examples, anyOf, oneOf, allOf } = schema;
  const inner = levels - 1;
  if ('const' in schema) return schema['const'];
  if ('default' in schema) return schema['default'];
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  if (typeof $ref === 'string') return make(pointedAt($ref, root), root, inner);
  for (const choices of [anyOf, oneOf]) if (Array.isArray(choices)) return make(choices[0], root, inner);
  if (Array.isArray(allOf)) return make(Object.assign({}, ...allOf), root, inner);
  const type: unknown = Array.isArray(schema['type'])
    ? schema['type'][0]
    : (schema['type'] ?? (schema['properties'] ? 'object' : null));
  switch (type) {
    case 'object': {
      const properties = isSchema(schema['properties']) ? schema['properties'] : {};
      const required = Array.isArray(schema['required']) ? schema['required'].map(String) : [];
      return Object.fromEntries(required.map((name) => [name, make(properties[name] ?? {}, root, inner)]));
    }
    case 'array':
      return Array.from({ length: numberOr(schema['minItems'], 0) }, () => make(schema['items'], root, inner));
    case 'string':
      return text(schema);
    case 'integer':
    case 'number':
      return amount(schema);
    case 'boolean':
      return false;
    default:
      return type === 'null' ? null : 'text';
  }
}

function text({ format, minLength, maxLength }: Schema): string {
  const known: Record<string, string> = {
    'date-time': '2026-01-01T12:00:00Z',
    date: '2026-01-01',
    time: '12:00:00Z',
    email: 'someone@example.org',
    uri: 'https://example.org/',
    uuid: '00000000-0000-4000-8000-000000000000',
    ipv4: '127.0.0.1',
  };
  const word = known[String(format)] ?? 'text';
  return word.padEnd(numberOr(minLength, 0), 'x').slice(0, numberOr(maxLength, Infinity));
}

function amount({ minimum, exclusiveMinimum, maximum, multipleOf }: Schema): number {
  const step = numberOr(multipleOf, 1);
  const least = Math.max(numberOr(minimum, -Infinity), numberOr(exclusiveMinimum, -Infinity) + step);
  const first = least === -Infinity ? step : Math.ceil(least / step) * step;
  return Math.min(Math.max(first, step), numberOr(maximum, Infinity));
}

/** Resolves a reference within the same document: `#/$defs/name`. */
function pointedAt(ref: string, root: Schema): unknown {
  const steps = ref
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return steps.reduce<unknown>((at, step) => (isSchema(at) ? at[step] : undefined), root);
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
