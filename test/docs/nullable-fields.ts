/** Allows null in the optional fields of a request's JSON Schema: the server takes it as absent. */
import type { Schema } from './protocol-schema.ts';

/** A copy of the schema, nested objects included. Fields that any JSON may fill have no type and stay as they are. */
export function withNullableFields(schema: Schema): Schema {
  const { properties, items, additionalProperties, required = [] } = schema;
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => {
          const inner = typeof field === 'object' ? withNullableFields(field) : field;
          return [name, required.includes(name) || typeof inner !== 'object' ? inner : nullable(inner)];
        }),
      ),
    }),
    ...(isSchema(items) && { items: withNullableFields(items) }),
    ...(isSchema(additionalProperties) && { additionalProperties: nullable(additionalProperties) }),
  };
}

function nullable(schema: Schema): Schema {
  if (schema.enum) return { ...schema, type: ['string', 'null'], enum: [...schema.enum, null] } as unknown as Schema;
  if (typeof schema.type === 'string') return { ...schema, type: [schema.type, 'null'] } as unknown as Schema;
  return schema.anyOf ? { ...schema, anyOf: [...schema.anyOf, { type: 'null' }] } : schema;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
