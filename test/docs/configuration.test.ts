/** Checks that the configuration files are those that the schema generates today. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isPair, isScalar, parse, parseDocument, visit } from 'yaml';
import { expectedConfig, keysOf } from '../../src/config/expected.ts';
import type { Expected } from '../../src/config/expected.ts';
import { configSchema } from '../../src/config/schema/schema.ts';
import { generatedFiles } from './configuration.ts';

const project = join(import.meta.dirname, '..', '..');

describe('what is written from the schema', async () => {
  for (const { path, text } of await generatedFiles()) {
    test(`${path} is up to date (else: node test/docs/configuration.ts)`, async () => {
      assert.equal(await readFile(join(project, path), 'utf8'), text);
    });
  }
});

describe('config/config.yaml', async () => {
  const text = await readFile(join(project, 'config', 'config.yaml'), 'utf8');

  test('states exactly the defaults', () => {
    assert.deepEqual(configSchema.parse(parse(text)), configSchema.parse({}));
  });

  test('states every key that has a default', () => {
    assert.deepEqual(statedKeys(parse(text)).toSorted(), keysWithDefault(expectedConfig()).toSorted());
  });

  test('explains every key', () => {
    const unexplained: string[] = [];
    visit(parseDocument(text), {
      Pair(_, { key }, ancestors) {
        const within = ancestors.filter(isPair).map((pair) => String(pair.key));
        // The keys of providers' blocks are explained together, above the first block.
        if (!isScalar(key) || within.includes('providers')) return;
        if (!commentAbove(text, key.range?.[0] ?? 0)) unexplained.push([...within, String(key)].join('.'));
      },
    });
    assert.deepEqual(unexplained, []);
  });

  test('keeps to lines of 100 characters', () => {
    assert.deepEqual(
      text.split('\n').filter((line) => line.length > 100),
      [],
    );
  });
});

function commentAbove(text: string, offset: number): boolean {
  return text.slice(0, offset).split('\n').at(-2)?.trimStart().startsWith('#') ?? false;
}

function statedKeys(stated: unknown, above = ''): string[] {
  if (typeof stated !== 'object' || stated === null || Array.isArray(stated)) return [above];
  const entries = Object.entries(stated);
  // An empty map is a value, like an empty list.
  return entries.length === 0 ? [above] : entries.flatMap(([key, value]) => statedKeys(value, `${above}/${key}`));
}

function keysWithDefault(expected: Expected, above = ''): string[] {
  const keys = keysOf(expected);
  if (keys.length === 0) return expected.default === undefined ? [] : [above];
  return keys.flatMap(([key, below]) => keysWithDefault(below, `${above}/${key}`));
}
