/** Plays one scenario of the conformance suite against test/conformance/client.ts, and tells how it ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { suiteFolder, type Revision } from './scenarios.ts';

/** The suite's own limit for a scenario; a slow machine is no fault. */
const TIMEOUT_MS = 120_000;

const projectFolder = join(import.meta.dirname, '..', '..');

/** `output` is what the suite printed. */
export async function play(scenario: string, revision: Revision): Promise<{ passed: boolean; output: string }> {
  const args = [
    'client',
    '--command',
    `"${process.execPath}" test/conformance/client.ts`,
    '--scenario',
    scenario,
    '--spec-version',
    revision,
    '--force',
    '--timeout',
    String(TIMEOUT_MS),
  ];
  const suite = spawn(process.execPath, [join(suiteFolder, 'dist', 'index.js'), ...args], { cwd: projectFolder });
  let output = '';
  for (const stream of [suite.stdout, suite.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  await once(suite, 'close');
  return { passed: suite.exitCode === 0, output };
}
