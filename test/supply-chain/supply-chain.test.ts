/** Checks the packages of an install for use: their number, their licenses, and that the lock file pins each of them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isPermissive, productionPackages, readLockFile } from './licenses.ts';

const project = join(import.meta.dirname, '..', '..');

describe('an install for use', () => {
  it('has permissive licenses only', () => {
    const others = productionPackages(readLockFile()).filter(({ license }) => !isPermissive(license));
    assert.deepEqual(others, [], 'choose another package, or add its license to PERMISSIVE with a reason');
  });

  it('has no more packages than now', () => {
    const names = productionPackages(readLockFile()).map(({ name }) => name);
    assert.ok(names.length <= 58, `${names.length}: a new package needs a reason, then raise this number`);
    assert.ok(!names.includes('@modelcontextprotocol/sdk'), 'only tests need v1');
  });
});

describe('the bill of materials', () => {
  it('has each package of an install for use', () => {
    const { stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'sbom.ts')], {
      encoding: 'utf8',
    });
    assert.match(stdout, /^\{/, stderr);
    const { components }: { components: { purl: string }[] } = JSON.parse(stdout);
    assert.deepEqual(
      components.map(({ purl }) => purl).toSorted(),
      [
        ...new Set(
          productionPackages(readLockFile()).map(
            ({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${version}`,
          ),
        ),
      ].toSorted(),
    );
  });
});

describe('isPermissive', () => {
  for (const [license, expected] of [
    ['MIT', true],
    ['(MIT OR GPL-3.0-only)', true],
    ['MIT AND Apache-2.0', true],
    ['MIT AND GPL-3.0-only', false],
    ['AGPL-3.0-only', false],
    ['SEE LICENSE IN LICENSE', false],
    [null, false],
  ] as const) {
    it(`is ${expected} for ${license}`, () => assert.equal(isPermissive(license), expected));
  }
});

describe('the lock file', () => {
  it('pins each package by its content, and names no registry', () => {
    const { packages }: { packages: Record<string, { integrity?: string; resolved?: string; link?: boolean }> } =
      JSON.parse(readLockFile());
    const loose = Object.entries(packages).filter(
      ([path, { integrity, resolved, link }]) =>
        path !== '' && (!integrity?.startsWith('sha512-') || resolved !== undefined || link),
    );
    assert.deepEqual(loose, []);
  });

  it('belongs to exact versions in package.json', () => {
    const manifest: Record<'dependencies' | 'devDependencies', Record<string, string>> = JSON.parse(
      readFileSync(join(project, 'package.json'), 'utf8'),
    );
    const ranges = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
    assert.deepEqual(
      ranges.filter((range) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range)),
      [],
    );
  });
});
