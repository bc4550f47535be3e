/**
 * Finds packages that need an install script: run.sh and `.npmrc` run none (docs/decisions/0020-no-install-scripts.md).
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';

const project = join(import.meta.dirname, '..', '..');
const read = (path: string): unknown => JSON.parse(readFileSync(join(project, path), 'utf8'));

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ hasInstallScript: z.boolean().default(false) })),
});
const manifestSchema = z.object({ scripts: z.record(z.string(), z.string()).default({}) });

/** Packages with an install script, and why they work without it. */
const known = new Map([['node_modules/better-sqlite3', 'brings a binary for every platform in prebuilds/']]);

const advice =
  'needs a script at install, which never runs: see docs/decisions/0020-no-install-scripts.md before adding it to `known`';

test('no package needs an install script, except those that are known to work without it', () => {
  const { packages } = lockSchema.parse(read('package-lock.json'));
  const found = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
    hasInstallScript || runsAtInstall(path) ? [path] : [],
  );
  assert.deepEqual(
    found.filter((path) => !known.has(path)),
    [],
    advice,
  );
  assert.deepEqual(
    [...known.keys()].filter((path) => !found.includes(path)),
    [],
    'is known for a script that it no longer has',
  );
});

/**
 * The lock file marks packages with written scripts. A package with a binding.gyp and none of them is built by node-
 * gyp. Packages for other platforms are not installed and not checked.
 */
function runsAtInstall(path: string): boolean {
  if (path === '' || !existsSync(join(project, path, 'package.json'))) return false;
  const { scripts } = manifestSchema.parse(read(join(path, 'package.json')));
  return (
    ['preinstall', 'install', 'postinstall'].some((name) => name in scripts) ||
    existsSync(join(project, path, 'binding.gyp'))
  );
}
