/** Tests that the client can run in a browser: follows its imports, and checks that it uses no modules or globals of Node. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';

const folder = join(import.meta.dirname, '..', '..', 'src', 'client');
const sources = readdirSync(folder).map((name) => join(folder, name));

/** The imports of a file, without type imports. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const statements = text.matchAll(
    /^\s*(?:import|export)\s(?!type\s)(?!interface\s)(?:[^;'"]*?\sfrom\s)?['"]([^'"]+)['"]/gm,
  );
  const dynamic = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g);
  return [...statements, ...dynamic].flatMap(([, specifier]) => specifier ?? []);
}

test('the client imports only its own files, types, and the two files of constants that it shares with the server', () => {
  const seen = new Set<string>();
  const walk = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const specifier of importsOf(file)) {
      assert.match(
        specifier,
        /^\.\/[a-z-]+\.ts$|^\.\.\/protocol\/(?:close-codes|subprotocols)\.ts$/,
        `${basename(file)} imports ${specifier}`,
      );
      walk(join(dirname(file), specifier));
    }
  };
  walk(join(folder, 'client.ts'));
  assert.deepEqual(
    [...seen].filter((file) => dirname(file) === folder).sort(),
    sources.sort(),
    'every file of the folder is imported',
  );
});

test('the client uses no global that browsers lack', () => {
  for (const file of sources)
    assert.doesNotMatch(
      readFileSync(file, 'utf8'),
      /\b(?:process|Buffer|require|setImmediate|__dirname|NodeJS)\b[.(]/,
      basename(file),
    );
});
