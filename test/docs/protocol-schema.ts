/**
 * Writes the protocol as one JSON Schema (draft 2020-12): a definition for each request, result, frame and chunk.
 * Requests are closed, so that the tests of a client find misspelt fields, although the server ignores unknown ones.
 * Everything that the server sends is open, because it may gain fields.
 */
import { z } from 'zod';
import { configSchema } from '../../src/config/schema/schema.ts';
import { chunk, chunks } from '../../src/protocol/chunks.ts';
import { frame, frames } from '../../src/protocol/frames.ts';
import { logEvent } from '../../src/protocol/log-event.ts';
import { payloadSchemas, resultSchemas } from '../../src/protocol/actions.ts';
import { clientId } from '../../src/protocol/values.ts';
import { withNullableFields } from './nullable-fields.ts';

/** One node of a JSON Schema. */
export type Schema = z.core.JSONSchema.BaseSchema;

/** The defaults of the configuration. */
const { chat } = configSchema.parse({});
const limits = {
  maxTextLength: chat.service.max_text_length,
  maxMetadataBytes: chat.service.max_metadata_size,
  maxDepth: chat.websocket.max_json_depth,
  allowedModels: [],
};

/** All definitions by name: `request.chat`, `result.history`, `frame.complete`, `chunk.text`, ... */
export function protocolDefinitions(): Record<string, Schema> {
  const requests = [...payloadSchemas(limits)].map(([action, payload]) => {
    const { success: mayBeLeftOut } = payload.safeParse({});
    const sent = z.object({
      action: z.literal(action),
      request_id: clientId.describe('An id that the client chooses, new for every request.'),
      payload: mayBeLeftOut ? payload.optional() : payload,
    });
    return [`request.${action}`, sent] as const;
  });
  const received = [
    ...[...resultSchemas].map(([action, schema]) => [`result.${action}`, schema] as const),
    ...Object.entries(frames).map(([status, schema]) => [`frame.${status}`, schema] as const),
    ...Object.entries(chunks).map(([type, schema]) => [`chunk.${type}`, schema] as const),
    ['log_event', logEvent] as const,
    ['chunk', chunk] as const,
    ['frame', frame] as const,
  ];
  return {
    request: {
      oneOf: requests.map(([name]) => ({ $ref: `#/$defs/${name}` })),
      description: 'Any request of a client.',
    },
    ...define(requests, close),
    ...define(received, open),
  };
}

/** The content of docs/reference/protocol.schema.json. */
export function protocolSchema(): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The protocol of Parley',
    description:
      'Written by test/docs/protocol.ts from src/protocol/. docs/reference/protocol.md explains how the frames belong together.',
    anyOf: [{ $ref: '#/$defs/request' }, { $ref: '#/$defs/frame' }],
    $defs: Object.fromEntries(
      Object.entries(protocolDefinitions()).map(([name, schema]) => [
        name,
        name.startsWith('request.') ? withNullableFields(schema) : schema,
      ]),
    ),
  };
}

function define(
  named: readonly (readonly [name: string, schema: z.ZodType])[],
  finish: (node: Schema) => void,
): Record<string, Schema> {
  const registry = z.registry<{ id: string }>();
  for (const [name, schema] of named) registry.add(schema, { id: name });
  const { schemas } = z.toJSONSchema(registry, {
    io: 'input',
    unrepresentable: 'any',
    uri: (name) => `#/$defs/${name}`,
    override({ jsonSchema }) {
      // zod limits every integer to the safe range, and says of every key that it is a string.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      delete jsonSchema.propertyNames;
      finish(jsonSchema);
    },
  });
  return Object.fromEntries(
    Object.entries(schemas)
      .filter(([name]) => name !== sharedParts)
      .map(([name, { $schema: _schema, $id: _id, ...schema }]) => [name, schema]),
  );
}

/** zod's definitions of recursive schemas: here only `z.json()`, which allows any JSON. */
const sharedParts = '__shared';

function close(node: Schema): void {
  if (isShared(node.additionalProperties)) delete node.additionalProperties;
  if (!node.properties) return;
  node.additionalProperties = false;
  // A known field that is not allowed has no schema.
  for (const [field, schema] of Object.entries(node.properties))
    if (Object.keys(schema).length === 0) delete node.properties[field];
}

function isShared(schema: Schema['additionalProperties']): boolean {
  return typeof schema === 'object' && schema.$ref?.includes(sharedParts) === true;
}

function open(node: Schema): void {
  if (node.additionalProperties === false) delete node.additionalProperties;
}
