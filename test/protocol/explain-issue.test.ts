/**
 * Provokes each kind of issue that zod has, and each place that reports one. zod's own messages are replaced by a mark
 * here, which no message of Parley may have.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { readExportedRows } from '../../src/cli/exported-rows.ts';
import { loadConfig } from '../../src/config/load.ts';
import { errorMessage } from '../../src/errors.ts';
import { ownWords } from '../../src/explain-issue.ts';
import { sdkMessage } from '../../src/mcp/connection/sdk-message.ts';
import { loadServers } from '../../src/mcp/config/servers-config.ts';
import { actions } from '../../src/protocol/actions.ts';
import { createDecoder } from '../../src/protocol/decoder.ts';

const MARK = 'the words of zod';
const folder = mkdtempSync(join(tmpdir(), 'parley-words-'));
let locale: ReturnType<typeof z.config>['localeError'];

before(() => {
  locale = z.config().localeError;
  z.config({ localeError: () => MARK });
});
after(() => {
  z.config({ localeError: locale });
  rmSync(folder, { recursive: true });
});

/** Values of every kind of JSON, small and large. */
const values: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e300,
  '',
  '\u0000',
  'x'.repeat(200_000),
  [],
  [null],
  [{}],
  {},
  { a: null, [`${'k'.repeat(20_000)}`]: 'x' },
];

describe('an issue of a schema', () => {
  const kinds: [schema: z.ZodType, value: unknown, says: string][] = [
    [z.string(), undefined, 'expected text, found nothing'],
    [z.string(), null, 'expected text, found null'],
    [z.number(), 'x', 'expected a number, found text'],
    [z.int(), 1.5, 'expected a whole number, found another number'],
    [z.boolean(), [], 'expected true or false, found a list'],
    [z.array(z.string()), {}, 'expected a list, found an object'],
    [z.object({}), true, 'expected an object, found true or false'],
    [z.record(z.string(), z.string()), 1, 'expected an object, found another number'],
    [z.never(), 1, 'expected nothing, found another number'],
    [z.date(), 1, 'expected a value of another type, found another number'],
    [z.string().min(1), '', 'expected at least 1 character'],
    [z.string().max(2), 'abc', 'expected at most 2 characters'],
    [z.string().length(2), 'a', 'expected exactly 2 characters'],
    [z.array(z.string()).min(2), [], 'expected at least 2 entries'],
    [z.array(z.string()).max(1), ['a', 'b'], 'expected at most 1 entry'],
    [z.int().min(1), 0, 'expected 1 or more'],
    [z.number().positive(), 0, 'expected more than 0'],
    [z.int().max(5), 6, 'expected 5 or less'],
    [z.number().lt(5), 5, 'expected less than 5'],
    [z.number().multipleOf(3), 4, 'expected a multiple of 3'],
    [z.url(), 'x', 'expected a URL'],
    [z.string().regex(/^a$/), 'b', 'expected text in another form'],
    [z.string().startsWith('a'), 'b', 'expected text in another form'],
    [z.strictObject({}), { other: 1 }, 'expected no key "other"'],
    [z.literal('a'), 'b', 'expected "a"'],
    [z.enum(['a', 'b']), 'c', 'expected one of "a", "b"'],
    [z.union([z.string(), z.boolean()]), 1, 'expected text, or true or false'],
    [z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]), {}, 'expected a value of another form'],
    [z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') })]), { kind: 'b' }, 'expected "a"'],
    [z.record(z.string().max(1), z.string()), { long: 'x' }, 'expected another key (at most 1 character)'],
    [z.set(z.string()), new Set([1]), 'expected text, found another number'],
    [z.map(z.string(), z.string()), new Map([[{}, 1]]), 'expected another key (text)'],
    [z.custom(() => false), 1, 'expected another value'],
  ];
  for (const [schema, value, says] of kinds)
    test(`says "${says}"`, () => {
      const { error } = schema.safeParse(value, ownWords);
      assert.equal(error?.issues[0]?.message, says);
    });
});

describe('the decoder', () => {
  const decode = createDecoder({
    maxTextLength: 100_000,
    maxMetadataBytes: 16_384,
    maxDepth: 64,
    allowedModels: ['one', 'two'],
  });

  test('has its own words for every field of every action', () => {
    const messages = new Set<string>();
    const reject = (frame: unknown) => {
      const decoded = decode(JSON.stringify(frame));
      if ('fault' in decoded) messages.add(decoded.fault.message);
    };
    for (const [action, { payload }] of Object.entries(actions)) {
      const shape = payload({
        maxTextLength: 100_000,
        maxMetadataBytes: 16_384,
        maxDepth: 64,
        allowedModels: [],
      }).shape;
      const complete = { text: 'x', server: 's', name: 'n', uri: 'u', conversation_id: 'c', interrupt_id: 'i' };
      for (const field of Object.keys(shape))
        for (const value of values) {
          reject({ action, request_id: 'r', payload: { ...complete, [field]: value } });
          reject({ action, request_id: 'r', payload: { ...complete, [field]: { ...complete, arguments: value } } });
          reject({ action, request_id: 'r', payload: { ...complete, [field]: [value] } });
        }
    }
    for (const value of values) {
      reject(value);
      reject({ action: value, request_id: 'r' });
      reject({ action: 'ping', request_id: value });
      reject({ action: 'ping', request_id: 'r', payload: value });
    }
    assert.ok(messages.size > 50, 'too few messages');
    for (const message of messages) {
      assert.ok(!message.includes(MARK), message);
      assert.ok(message.length < 600, `${message.length} characters: ${message.slice(0, 600)}`);
    }
  });
});

describe('the files that a person writes', () => {
  test('have problems in own words: the configuration', async () => {
    const file = join(folder, 'config.yaml');
    const sections = ['auth', 'chat', 'inspect', 'llm', 'logging', 'mcp', 'repository'];
    for (const value of [null, -1, 1.5, '', [null], { a: null }])
      for (const text of [
        ...sections.map((section) => `${section}: ${JSON.stringify(value)}`),
        `llm: { providers: { own: ${JSON.stringify(value)}, openai: ${JSON.stringify({ '': 1, temperature: value, prices: value, headers: { a: value } })} }, circuit: ${JSON.stringify({ failures: value })} }`,
        `auth: { tokens: ${JSON.stringify([value])} }`,
        `chat: { service: { tools: { permission: ${JSON.stringify({ '': value, a: value })} } } }`,
      ]) {
        writeFileSync(file, text);
        await loadConfig({ file, env: {}, cwd: folder, projectDirectory: folder }).then(
          () => {},
          (error: unknown) => assert.ok(!errorMessage(error).includes(MARK), errorMessage(error)),
        );
      }
  });

  test('have problems in own words: the MCP servers', () => {
    const file = join(folder, 'servers.json');
    const keys = [
      'command',
      'args',
      'cwd',
      'env',
      'url',
      'headers',
      'oauth',
      'includeTools',
      'max_concurrent',
      'protocol',
      'enabled',
    ];
    for (const value of [null, 1.5, '', [null], { a: null }])
      for (const content of [
        value,
        { mcpServers: value },
        { mcpServers: { one: value } },
        ...keys.map((key) => ({ mcpServers: { one: { command: 'x', [key]: value } } })),
        ...keys.map((key) => ({ mcpServers: { one: { command: 'x', [key]: { a: value, scopes: [value] } } } })),
      ]) {
        writeFileSync(file, JSON.stringify(content));
        try {
          loadServers(file, {});
        } catch (error) {
          assert.ok(!errorMessage(error).includes(MARK), errorMessage(error));
        }
      }
  });

  test('have problems in own words: exported rows', () => {
    const file = join(folder, 'rows.jsonl');
    for (const value of values)
      for (const row of [
        value,
        { seq: value, type: 'meta' },
        { seq: 1, type: value },
        { seq: 1, type: 'meta', role: value },
      ]) {
        writeFileSync(file, JSON.stringify(row));
        try {
          readExportedRows(file, 'c');
        } catch (error) {
          assert.ok(!errorMessage(error).includes(MARK), errorMessage(error));
        }
      }
  });
});

describe('the message of the MCP SDK', () => {
  test('has the place in own words instead of a list of zod', () => {
    const { error } = z
      .object({ content: z.array(z.object({ text: z.string() })) })
      .safeParse({ content: [{ text: 7 }] });
    assert.equal(
      sdkMessage(new Error(`Invalid result for tools/call: ${String(error)}`)),
      'Invalid result for tools/call: content.0.text: expected text',
    );
  });

  test('has no sentence of zod', () => {
    assert.equal(
      sdkMessage(new Error('Invalid result for tools/call: content: Invalid input: expected array, received null')),
      'Invalid result for tools/call: it violates the protocol',
    );
  });

  test('stays as it is without words of zod', () => {
    const message = 'Invalid result for tools/list: not an object';
    assert.equal(sdkMessage(new Error(message)), message);
  });
});
