/** Prints the third-party packages of an install for use, each with its license (`npm run licenses`). */
import { productionPackages, readLockFile } from './licenses.ts';

const lines = productionPackages(readLockFile()).map(
  ({ name, version, license }) => `${name} ${version}: ${license ?? 'unknown license'}`,
);
process.stdout.write(`${lines.join('\n')}\n${lines.length} packages\n`);
