/** Reads the packages of an install for use, with their licenses, from the lock file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().default(false),
    }),
  ),
});

export interface Package {
  name: string;
  version: string;
  /** An SPDX expression. Null if the package states none. */
  license: string | null;
}

/** Licenses that ask only to be named. Every other one needs a decision. */
const PERMISSIVE = ['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Unlicense'];

/** The packages of a lock file that an install for use brings, in its order. Each version of a package counts. */
export function productionPackages(lockFile: string): Package[] {
  const { packages } = lockSchema.parse(JSON.parse(lockFile));
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, { version = '', license = null }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      license,
    }));
}

/** Whether one choice of the expression is permissive: `MIT OR GPL-2.0` is, `MIT AND GPL-2.0` is not. */
export function isPermissive(license: string | null): boolean {
  if (license === null) return false;
  return license
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((each) => PERMISSIVE.includes(each.trim())));
}

export function readLockFile(): string {
  return readFileSync(join(import.meta.dirname, '..', '..', 'package-lock.json'), 'utf8');
}
