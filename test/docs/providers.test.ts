/** Checks the page about providers: its dialects are those that the tests play, each with its source, and its presets are those of the code. */
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

test('docs/reference/providers.md names every preset, with its address and the variable of its key', () => {
  for (const [name, { baseUrl, keyVariable }] of Object.entries(presets)) {
    const row = stands.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? '';
    for (const value of [baseUrl, keyVariable])
      if (value !== null) assert.ok(row.includes(`\`${value}\``), `${name}: ${value}`);
    assert.notEqual(row, '', name);
  }
});

test('docs/reference/providers.md names every error of a provider', () => {
  const codes = Object.keys(errorCodes).filter(
    (code) => code.startsWith('provider_') && code !== 'provider_missing_key',
  );
  assert.deepEqual(
    codes.filter((code) => !stands.includes(`\`${code}\` |`)),
    [],
  );
});
