/** Checks the protocol's documents: they are current, explain every field, and accept what the server accepts. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/client/validators/cf-worker';
import { createDecoder } from '../../src/protocol/decoder.ts';
import { generatedFiles } from './protocol.ts';
import { protocolDefinitions, type Schema } from './protocol-schema.ts';

const project = join(import.meta.dirname, '..', '..');

describe('docs/reference/protocol.md and docs/reference/protocol.schema.json', async () => {
  for (const { path, text } of await generatedFiles()) {
    test(`${path} is up to date (else: node test/docs/protocol.ts)`, async () => {
      assert.equal(await readFile(join(project, path), 'utf8'), text);
    });
  }

  test('describe every field', () => {
    const unexplained: string[] = [];
    const walk = (node: unknown, path: string) => {
      if (typeof node !== 'object' || node === null) return;
      for (const [key, below] of Object.entries(node)) {
        if (key !== 'properties') walk(below, `${path}/${key}`);
        else
          for (const [name, field] of fieldsOf(below)) {
            if (field.description === undefined && !isEnvelope.test(`${path}/${name}`))
              unexplained.push(`${path}/${name}`);
            walk(field, `${path}/${name}`);
          }
      }
    };
    walk(protocolDefinitions(), '');
    assert.deepEqual(unexplained, []);
  });

  test('have no broken links and no duplicate headings', async () => {
    const page = await readFile(join(project, 'docs', 'reference', 'protocol.md'), 'utf8');
    const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading.toLowerCase().replaceAll(' ', '-'),
    );
    assert.deepEqual(
      [...page.matchAll(/\]\(#([^)]+)\)/g)].flatMap(([, anchor = '']) => (headings.includes(anchor) ? [] : [anchor])),
      [],
    );
    assert.deepEqual(
      headings.filter((heading, index) => headings.indexOf(heading) !== index),
      [],
      'duplicate headings',
    );
  });
});

describe('docs/reference/protocol.schema.json', async () => {
  const schema: Record<string, unknown> = JSON.parse(
    await readFile(join(project, 'docs', 'reference', 'protocol.schema.json'), 'utf8'),
  );
  const judge = new CfWorkerJsonSchemaValidator().getValidator(schema);
  const decode = createDecoder({
    maxTextLength: 100_000,
    maxMetadataBytes: 16_384,
    maxDepth: 64,
    allowedModels: ['m'],
  });

  for (const { name, request, fits } of [
    {
      name: 'a chat',
      request: {
        action: 'chat',
        payload: {
          text: 'Hi',
          conversation_id: 'c1',
          mode: 'reject',
          metadata: { a: [1, null] },
          cursor: { after_seq: 1 },
        },
      },
      fits: true,
    },
    { name: 'a request without an optional payload', request: { action: 'ping' }, fits: true },
    { name: 'a request without a required payload', request: { action: 'history' }, fits: false },
    {
      name: 'an unknown mode',
      request: { action: 'chat', payload: { text: 'Hi', mode: 'sometime' } },
      fits: false,
    },
    { name: 'an empty text', request: { action: 'chat', payload: { text: '' } }, fits: false },
    {
      name: 'an id with control characters',
      request: { action: 'history', payload: { conversation_id: 'a\u0000b' } },
      fits: false,
    },
    {
      name: 'a page with too many rows',
      request: { action: 'history', payload: { conversation_id: 'c1', limit: 501 } },
      fits: false,
    },
    {
      name: 'a chat that names its model',
      request: { action: 'chat', payload: { text: 'Hi', model: 'm' } },
      fits: true,
    },
    { name: 'an unknown action', request: { action: 'dance' }, fits: false },
  ]) {
    test(`agrees with the server on ${name}`, () => {
      const sent = { request_id: 'r1', ...request };
      assert.deepEqual([judge(sent).valid, 'request' in decode(JSON.stringify(sent))], [fits, fits]);
    });
  }

  test('rejects a misspelt field, which the server ignores', () => {
    const sent = { action: 'cancel', request_id: 'r1', payload: { taget: 'r0' } };
    assert.deepEqual([judge(sent).valid, 'request' in decode(JSON.stringify(sent))], [false, true]);
  });

  test('allows unknown fields in frames, but not missing ones', () => {
    const frame = { status: 'deleted', conversation_id: 'c1' };
    assert.ok(judge(frame).valid);
    assert.ok(judge({ ...frame, at: 'noon' }).valid);
    assert.ok(!judge({ status: 'deleted' }).valid);
  });
});

/** `action` and `payload` of a request need no description. */
const isEnvelope = /^\/request\.\w+\/(?:action|payload)$/;

function fieldsOf(properties: unknown): [name: string, field: Schema][] {
  return typeof properties === 'object' && properties !== null ? Object.entries(properties) : [];
}
