/**
 * Prints the software bill of materials of an install for use (`npm run sbom`), as CycloneDX in JSON. `npm sbom --omit dev`
 * leaves out each package that development needs too (npm 11), so npm gets a copy of the files without development packages.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readLockFile } from './licenses.ts';

const project = join(import.meta.dirname, '..', '..');
const manifestSchema = z.looseObject({ devDependencies: z.unknown() });
const lockSchema = z.looseObject({
  packages: z.record(z.string(), z.looseObject({ dev: z.boolean().optional() })),
});

function withoutDevelopment(value: unknown): Record<string, unknown> {
  const { devDependencies: _left, ...rest } = manifestSchema.parse(value);
  return rest;
}

const folder = mkdtempSync(join(tmpdir(), 'parley-sbom-'));
try {
  const manifest: unknown = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  const lock = lockSchema.parse(JSON.parse(readLockFile()));
  const packages = Object.fromEntries(
    Object.entries(lock.packages)
      .filter(([, { dev }]) => !dev)
      .map(([path, entry]) => [path, path === '' ? withoutDevelopment(entry) : entry]),
  );
  writeFileSync(join(folder, 'package.json'), JSON.stringify(withoutDevelopment(manifest)));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...lock, packages }));
  const { status, error } = spawnSync(
    'npm',
    ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'],
    { cwd: folder, stdio: 'inherit' },
  );
  if (error) throw error;
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
