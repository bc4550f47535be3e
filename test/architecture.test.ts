/** Checks the rules of the code base: the direction of imports, machines without I/O, and the layout. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

interface Import {
  from: string;
  to: string;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const specifiers = [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)[^;]*?from '([^']+)'/g),
    ...text.matchAll(/import\('([^']+)'\)/g),
  ];
  return specifiers.flatMap(([, to]) =>
    to === undefined
      ? []
      : [{ from: file, to: to.startsWith('.') ? relative(root, join(root, dirname(file), to)) : to }],
  );
}

/** The start of the server and its steps. */
const isCompositionRoot = (file: string) => file === 'src/server.ts' || file.startsWith('src/server/');

const inMachines = sources('machines').flatMap(importsOf);
const inSource = sources('src').flatMap(importsOf);

test('machines import only xstate and each other', () => {
  assert.ok(inMachines.length > 10);
  assert.deepEqual(
    inMachines.filter(({ to }) => to !== 'xstate' && !to.startsWith('machines/')),
    [],
  );
});

test('machines use no clock, randomness or promise of their own', () => {
  for (const file of sources('machines')) {
    assert.doesNotMatch(
      readFileSync(join(root, file), 'utf8'),
      /Date\.now|new Date\(\)|Math\.random|performance\.|setTimeout|await |process\./,
      file,
    );
  }
});

test('no shipped file imports a test', () => {
  assert.deepEqual(
    [...inMachines, ...inSource].filter(({ to }) => to.startsWith('test/')),
    [],
  );
});

test('only the composition root knows every part', () => {
  const folders = new Map<string, Set<string>>();
  for (const { from, to } of inSource) {
    // Every part may use the protocol's vocabulary and the observability.
    if (!to.startsWith('src/') || /^src\/(protocol|observability)\//.test(to)) continue;
    const folder = to.split('/').length > 2 ? (to.split('/')[1] ?? '') : '';
    folders.set(from, (folders.get(from) ?? new Set()).add(folder));
  }
  const wide = [...folders].filter(([, known]) => known.size > 5).map(([file]) => file);
  assert.ok(wide.length > 0);
  assert.deepEqual(
    wide.filter((file) => !isCompositionRoot(file)),
    [],
  );
});

test('the entry point loads no package before it knows the command', () => {
  const seen = new Set<string>();
  const visit = (file: string): string[] => {
    if (seen.has(file)) return [];
    seen.add(file);
    const text = readFileSync(join(root, file), 'utf8');
    return [...text.matchAll(/(?:^|\n)import (?!type )[^;]*?from '([^']+)'/g)].flatMap(([, to = '']) =>
      to.startsWith('.') ? visit(relative(root, join(root, dirname(file), to))) : to,
    );
  };
  assert.deepEqual(
    visit('src/main.ts').filter((name) => !name.startsWith('node:')),
    [],
  );
  assert.ok(seen.size > 3);
});

test('SQL stays in the store, provider clients in llm, the MCP SDK in mcp and the demo', () => {
  const homes: [RegExp, RegExp][] = [
    [/^better-sqlite3$/, /^src\/store\//],
    [/^(openai|undici)/, /^src\/llm\//],
    [/^eventsource-parser$/, /^src\/(llm|mcp)\//],
    [/^@modelcontextprotocol\//, /^src\/(mcp|demo)\//],
    [/^ws$/, /^src\/gateway\//],
    [/^js-tiktoken/, /^src\/tokens\//],
  ];
  for (const [library, home] of homes) {
    const users = inSource.filter(({ to }) => library.test(to));
    assert.ok(users.length > 0, `nothing uses ${library.source}`);
    assert.deepEqual(
      users.filter(({ from }) => !home.test(from)),
      [],
    );
  }
});

test('no file is a barrel, has a default export or an empty name', () => {
  for (const file of [...sources('src'), ...sources('machines')]) {
    assert.doesNotMatch(file, /\/(?:utils?|helpers?|index|types)\.ts$/);
    assert.doesNotMatch(readFileSync(join(root, file), 'utf8'), /^export \* from|^export default/m, file);
  }
});

test('every file begins with a header', () => {
  for (const file of [...sources('src'), ...sources('machines'), ...sources('test')]) {
    assert.match(readFileSync(join(root, file), 'utf8').slice(0, 200), /^(?:#!.*\n)?\/\*\*/, file);
  }
});

test('the first level of machines/ and src/ has only charts and the parts of the server', () => {
  const loose = (folder: string) =>
    sources(folder)
      .filter((file) => file.split('/').length === 2)
      .map((file) => file.split('/')[1]);
  assert.deepEqual(loose('machines').toSorted(), [
    'audit.ts',
    'faults.ts',
    'json-object.ts',
    'log.ts',
    'mcp-server-types.ts',
    'mcp-server.ts',
    'provided-at-boot.ts',
    'provider-circuit.ts',
    'quota.ts',
    'registry.ts',
    'tool-call-types.ts',
    'tool-call.ts',
    'usage.ts',
    'writer-types.ts',
    'writer.ts',
  ]);
  assert.deepEqual(loose('src').toSorted(), [
    'conversation-ref.ts',
    'cut-text.ts',
    'environment-variable.ts',
    'error-codes.ts',
    'errors.ts',
    'explain-issue.ts',
    'host-names.ts',
    'json-schema.ts',
    'json.ts',
    'loopback.ts',
    'main.ts',
    'patient-timer.ts',
    'refusal.ts',
    'reload.ts',
    'server.ts',
  ]);
});

test('only their own part and the composition root import the inner folders', () => {
  for (const folder of [
    'src/store/thread/',
    'src/gateway/actions/',
    'src/inspect/live/',
    'src/inspect/log/',
    'src/inspect/charts/',
  ]) {
    const [, part = ''] = folder.split('/');
    const users = inSource.filter(({ to }) => to.startsWith(folder)).map(({ from }) => from);
    assert.ok(users.length > 0, folder);
    assert.deepEqual(
      users.filter((from) => !from.startsWith(`src/${part}/`) && !isCompositionRoot(from)),
      [],
    );
  }
});

test('the reason of each close frame is cut to its size', () => {
  const closing = sources('src').filter((file) => /\bsocket\.close\([^)]/.test(readFileSync(join(root, file), 'utf8')));
  assert.deepEqual(closing, ['src/gateway/close-socket.ts']);
});

test('test/ mirrors src/ and machines/', () => {
  const folders = (path: string) =>
    readdirSync(join(root, path), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  // Suites that span folders, and what the tests share.
  const ofTheirOwn = [
    'attack',
    'bench',
    'conformance',
    'docs',
    'fuzz',
    'integration',
    'machines',
    'model',
    'proof',
    'protocol-property',
    'soak',
    'supply-chain',
  ];
  const known = new Set([...folders('src'), ...ofTheirOwn, 'run', 'reload', 'support']);
  assert.deepEqual(
    folders('test').filter((folder) => !known.has(folder)),
    [],
  );
  assert.deepEqual(folders('test/machines').toSorted(), folders('machines').toSorted());
  // The replay is tested by its users: the command and the inspection page.
  assert.deepEqual(
    folders('src').filter((folder) => folder !== 'replay' && !folders('test').includes(folder)),
    [],
  );
});
