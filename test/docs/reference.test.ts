/** Checks that the pages on the command line and on metrics are those that the code generates today. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandLinePage } from './command-line.ts';
import { metricsPage } from './metrics.ts';

const project = join(import.meta.dirname, '..', '..');

for (const [generator, { path, text }] of Object.entries({
  'command-line': commandLinePage(),
  metrics: await metricsPage(),
}))
  test(`${path} is up to date (else: node test/docs/${generator}.ts)`, async () =>
    assert.equal(await readFile(join(project, path), 'utf8'), text));
