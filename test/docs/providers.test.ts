/** The page about providers: its dialects are those that the tests play, each with its source, and its presets those that there are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodes } from '../../src/error-codes.ts';
import { presets } from '../../src/llm/providers/presets.ts';
import { dialectTable } from '../llm/dialect-table.ts';
import { providersPage } from './providers.ts';

const { stands, text } = await providersPage();

test('docs/reference/providers.md shows every dialect (else: node test/docs/providers.ts)', () =>
  assert.equal(stands, text));

test('every dialect has a name of its own and a public source', () => {
  const rows = dialectTable.flatMap((group) => group.rows);
  const names = rows.map(({ dialect }) => dialect);
  assert.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  );
  assert.deepEqual(
    rows.filter(({ source }) => URL.parse(source)?.protocol !== 'https:'),
    [],
  );
});

test('every preset is told of, with its address and the variable of its key', () => {
  for (const [name, { baseUrl, keyVariable }] of Object.entries(presets)) {
    const row = stands.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? '';
    for (const told of [baseUrl, keyVariable])
      if (told !== null) assert.ok(row.includes(`\`${told}\``), `${name}: ${told}`);
    assert.notEqual(row, '', name);
  }
});

test('every way to fail is told of', () => {
  const codes = Object.keys(errorCodes).filter(
    (code) => code.startsWith('provider_') && code !== 'provider_missing_key',
  );
  assert.deepEqual(
    codes.filter((code) => !stands.includes(`\`${code}\` |`)),
    [],
  );
});
