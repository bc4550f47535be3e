/** Checks that null in an optional field counts as absent, in every action, and that null stays where it is data. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { actions } from '../../src/protocol/actions.ts';
import { createDecoder, type Decoded } from '../../src/protocol/decoder.ts';

const limits = { maxTextLength: 1000, maxMetadataBytes: 16_384, maxDepth: 64, allowedModels: [] };
const decode = createDecoder(limits);

function payloadOf(action: string, payload: unknown): unknown {
  const decoded: Decoded = decode(JSON.stringify({ action, request_id: 'r', payload }));
  return 'request' in decoded ? decoded.request.payload : decoded.fault.message;
}

/** A valid payload with only the fields that are needed. */
const least: Readonly<Record<keyof typeof actions, Record<string, unknown>>> = {
  chat: { text: 'x' },
  cancel: {},
  respond: { conversation_id: 'c', interrupt_id: 'i', decision: 'approve' },
  subscribe: { conversation_id: 'c' },
  unsubscribe: { conversation_id: 'c' },
  history: { conversation_id: 'c' },
  conversations: {},
  fork: { conversation_id: 'c', at_seq: 1 },
  delete: { conversation_id: 'c' },
  tools: {},
  prompts: {},
  get_prompt: { server: 's', name: 'n' },
  resources: {},
  read_resource: { server: 's', uri: 'u' },
  complete_argument: { server: 's', prompt: 'p', argument: { name: 'n', value: 'v' } },
  ping: {},
};

describe('null in an optional field', () => {
  for (const [name, { payload }] of Object.entries(actions)) {
    const given = least[name as keyof typeof actions];
    const optional = Object.entries<z.ZodType>(payload(limits).shape)
      .filter(([field, schema]) => !(field in given) && schema.safeParse(undefined).success)
      .map(([field]) => field);
    test(`of ${name} counts as absent: ${optional.join(', ') || 'none'}`, () => {
      const nulls = Object.fromEntries(optional.map((field) => [field, null]));
      assert.deepEqual(payloadOf(name, { ...given, ...nulls }), payloadOf(name, given));
      assert.equal(typeof payloadOf(name, given), 'object');
    });
  }

  test('of a nested object, of an entry of a list and of a record of texts counts as absent', () => {
    assert.deepEqual(
      payloadOf('chat', {
        text: null,
        prompt: { server: 's', name: 'n', arguments: { topic: 'x', language: null } },
        cursor: { after_seq: null, message_id: null, offset: 3, reasoning_offset: null },
        resources: [{ server: 's', uri: 'u', title: null }],
      }),
      payloadOf('chat', {
        prompt: { server: 's', name: 'n', arguments: { topic: 'x' } },
        cursor: { offset: 3 },
        resources: [{ server: 's', uri: 'u' }],
      }),
    );
    assert.deepEqual(
      payloadOf('respond', { ...least.respond, decision: 'answer', content: { name: 'x', age: null } }),
      payloadOf('respond', { ...least.respond, decision: 'answer', content: { name: 'x' } }),
    );
  });

  test('of the frame counts as absent', () => {
    assert.deepEqual(payloadOf('ping', null), {});
  });
});

describe('null', () => {
  test('stays in metadata and in the arguments of a tool', () => {
    const free = { a: null, b: { c: null, d: [null] } };
    assert.partialDeepStrictEqual(payloadOf('chat', { text: 'x', metadata: free }), { metadata: free });
    assert.partialDeepStrictEqual(payloadOf('respond', { ...least.respond, arguments: free }), { arguments: free });
  });

  for (const [name, payload] of [
    ['history', { conversation_id: null }],
    ['chat', { text: null }],
    ['chat', { text: 'x', resources: [null] }],
    ['chat', { text: 'x', resources: [{ server: null, uri: 'u' }] }],
    ['complete_argument', { ...least.complete_argument, argument: { name: 'n', value: null } }],
  ] as const)
    test(`is rejected where a value is needed: ${name} ${JSON.stringify(payload)}`, () => {
      assert.match(String(payloadOf(name, payload)), /^payload\..*: expected/);
    });
});
