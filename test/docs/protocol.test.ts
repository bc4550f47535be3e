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

describe('what is written from the protocol', async () => {
  for (const { path, text } of await generatedFiles()) {
    test(`${path} is up to date (else: node test/docs/protocol.ts)`, async () => {
      assert.equal(await readFile(join(project, path), 'utf8'), text);
    });
  }

  test('explains every field', () => {
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

  test('leads nowhere that is not there', async () => {
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
      'two of one name',
    );
  });
});

describe('docs/reference/protocol.schema.json', async () => {
  const schema: Record<string, unknown> = JSON.parse(
    await readFile(join(project, 'docs', 'reference', 'protocol.schema.json'), 'utf8'),
  );
  const judge = new CfWorkerJsonSchemaValidator().getValidator(schema);
  const decode = createDecoder({ maxTextLength: 100_000, maxDepth: 64, allowedModels: ['m'] });

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
    { name: 'a request without payload where none is needed', request: { action: 'ping' }, fits: true },
    { name: 'a request without payload where one is needed', request: { action: 'history' }, fits: false },
    {
      name: 'a mode that there is not',
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
      name: 'a page of too many rows',
      request: { action: 'history', payload: { conversation_id: 'c1', limit: 501 } },
      fits: false,
    },
    {
      name: 'a chat that names its model',
      request: { action: 'chat', payload: { text: 'Hi', model: 'm' } },
      fits: true,
    },
    { name: 'an action that there is not', request: { action: 'dance' }, fits: false },
  ]) {
    test(`judges ${name} as the server does`, () => {
      const sent = { request_id: 'r1', ...request };
      assert.deepEqual([judge(sent).valid, 'request' in decode(JSON.stringify(sent))], [fits, fits]);
    });
  }

  test('finds the misspelling that the server would pass over', () => {
    const sent = { action: 'cancel', request_id: 'r1', payload: { taget: 'r0' } };
    assert.deepEqual([judge(sent).valid, 'request' in decode(JSON.stringify(sent))], [false, true]);
  });

  test('lets the server say more than is known, and not less', () => {
    const frame = { status: 'deleted', conversation_id: 'c1' };
    assert.ok(judge(frame).valid);
    assert.ok(judge({ ...frame, at: 'noon' }).valid);
    assert.ok(!judge({ status: 'deleted' }).valid);
  });
});

/** `action` and `payload` of a request say themselves what they are. */
const isEnvelope = /^\/request\.\w+\/(?:action|payload)$/;

function fieldsOf(properties: unknown): [name: string, field: Schema][] {
  return typeof properties === 'object' && properties !== null ? Object.entries(properties) : [];
}
