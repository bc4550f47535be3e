/**
 * Generates requests from the protocol's own schemas, so that a new action or field is attacked from its first day.
 * Fields are valid, missing, at their bounds, beyond them, of another type, or unknown.
 */
import { z } from 'zod';
import { payloadSchemas } from '../../src/protocol/actions.ts';
import type { Names } from './names.ts';
import type { Random } from './random.ts';

type Schema = z.core.JSONSchema.BaseSchema;

interface Action {
  name: string;
  payload: Schema;
}

export interface RequestSource {
  /** A request; with this probability something in it is invalid. */
  next(invalidShare: number): object;
}

/** Defaults of the configuration. */
const limits = { maxTextLength: 100_000, maxMetadataBytes: 16_384, maxDepth: 64, allowedModels: [] };

/** JSON Schema can be walked, while zod schemas only validate. */
const actions: Action[] = [...payloadSchemas(limits)].map(([name, schema]) => ({
  name,
  payload: z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }),
}));

/**
 * Additional shares: chats create the conversations that the others need, and a question does not stay open for long.
 */
const chats = actions.filter(({ name }) => name === 'chat');
const answers = actions.filter(({ name }) => name === 'respond');
const chosen: readonly Action[] = [...actions, ...chats, ...chats, ...chats, ...answers, ...answers];

const longestId = 128;

export function createRequestSource(random: Random, names: Names): RequestSource {
  const invalidators: ((fields: Record<string, unknown>, schema: Schema) => void)[] = [
    invalidateField,
    invalidateField,
    invalidateField,
    dropField,
    addField,
  ];

  return {
    next(invalidShare) {
      const { name, payload } = random.pick(chosen);
      const request: Record<string, unknown> = {
        action: name,
        request_id: names.requestId(),
        payload: { ...validFields(payload), ...(name === 'respond' ? names.question() : {}) },
      };
      if (!random.chance(invalidShare)) return request;
      // The schemas describe payloads; only the envelope is written by hand.
      if (random.chance(0.2)) random.pick(invalidators)(request, envelope);
      else if (isFields(request['payload'])) random.pick(invalidators)(request['payload'], payload);
      return request;
    },
  };

  function validFields({ properties = {}, required = [] }: Schema): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    for (const [field, schema] of Object.entries(properties)) {
      if (typeof schema === 'boolean' || isForbidden(schema)) continue;
      if (required.includes(field) || random.chance(likelihood(field))) fields[field] = valid(field, schema);
    }
    return fields;
  }

  function valid(field: string, schema: Schema): unknown {
    const plausible = names.plausible(field);
    if (plausible !== undefined) return plausible;
    if (schema.enum) return random.pick(schema.enum);
    switch (schema.type) {
      case 'string':
        return random.bytes(6).toString('base64');
      case 'integer':
        return random.int(schema.minimum ?? 0, Math.min(schema.maximum ?? 100, 100));
      case 'boolean':
        return random.chance(0.5);
      case 'object':
        return schema.properties ? validFields(schema) : { [random.bytes(3).toString('hex')]: anyJson(3) };
      default:
        return anyJson(3);
    }
  }

  function invalidateField(fields: Record<string, unknown>, { properties = {} }: Schema): void {
    const known = Object.entries(properties);
    if (known.length === 0) return addField(fields);
    const [field, schema] = random.pick(known);
    if (typeof schema === 'boolean') return undefined;
    const inner = fields[field];
    if (schema.properties && isFields(inner) && random.chance(0.6)) return random.pick(invalidators)(inner, schema);
    fields[field] = random.chance(0.5) ? atBounds(schema) : otherType();
    return undefined;
  }

  function dropField(fields: Record<string, unknown>): void {
    const present = Object.keys(fields);
    if (present.length > 0) delete fields[random.pick(present)];
  }

  function addField(fields: Record<string, unknown>): void {
    // Defined, not assigned, so that `__proto__` is in the text.
    Object.defineProperty(fields, random.pick(strangeKeys), {
      value: anyJson(4),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }

  /** A bound, or one step to either side of it. */
  function atBounds(schema: Schema): unknown {
    if (schema.type === 'integer') {
      const bound = random.pick([schema.minimum ?? 0, schema.maximum ?? Number.MAX_SAFE_INTEGER]);
      return bound + random.pick([-1, 0, 1, 0.5]);
    }
    if (schema.type !== 'string') return otherType();
    const bound = random.pick([schema.minLength ?? 0, schema.maxLength ?? longestId]);
    return random.pick(['a', 'ü', '\u0007', '\ud800', ' ']).repeat(Math.max(0, bound + random.int(-1, 1)));
  }

  function otherType(): unknown {
    return random.pick<unknown>([
      null,
      true,
      false,
      0,
      -1,
      1.5,
      1e300,
      '',
      'text',
      '0',
      [],
      {},
      [[]],
      ['chat'],
      { toString: 'x' },
      anyJson(4),
    ]);
  }

  /** Generates JSON of at most this depth. */
  function anyJson(depth: number): unknown {
    if (depth === 0 || random.chance(0.5)) return random.pick<unknown>([null, true, 0, -0, 1e21, 'x', '\ud800', '']);
    const values = Array.from({ length: random.int(0, 4) }, () => anyJson(depth - 1));
    if (random.chance(0.5)) return values;
    const object = Object.fromEntries(values.map((value, at) => [`k${at}`, value]));
    if (random.chance(0.2)) addField(object);
    return object;
  }
}

const strangeKeys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  'type',
  'session',
  'requestId',
  'xstate.done.actor.answer',
  '',
  '\ud800',
  'x'.repeat(1000),
];

const envelope: Schema = {
  type: 'object',
  properties: {
    action: { type: 'string', maxLength: 40 },
    request_id: { type: 'string', maxLength: longestId },
    payload: { type: 'object' },
  },
};

/** Probability of an optional field: how often requests without it are worth sending. */
function likelihood(field: string): number {
  switch (field) {
    case 'text':
      return 0.95;
    // Without an id every socket has its own conversation, and attacks never meet.
    case 'conversation_id':
      return 0.9;
    case 'rewind_to':
    // These fit few of the requests that may have them.
    case 'prompt':
    case 'arguments':
    case 'content':
      return 0.1;
    default:
      return 0.3;
  }
}

/** A field that the protocol knows and rejects: as JSON Schema it allows everything. */
function isForbidden({ type, enum: values, anyOf }: Schema): boolean {
  return type === undefined && values === undefined && anyOf === undefined;
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
