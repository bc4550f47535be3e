/** Writes every generated document, one generator after the other. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readRunnerOptions } from '../support/runner-options.ts';

const GENERATORS = ['configuration', 'protocol', 'statecharts', 'providers', 'mcp', 'command-line', 'metrics'];

const usage = `Usage: npm run docs

Writes every generated document: docs/reference/, config/config.yaml and the drawings of the inspection page.
`;

readRunnerOptions(usage);
for (const name of GENERATORS) {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
