/**
 * Lists the client scenarios of the conformance suite, from its own frozen lists, and says which Parley does not pass
 * and why. Runs one scenario. The run and docs/reference/mcp.md use it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** Revisions for which the suite has such a list. */
export const revisions = ['2025-11-25', '2026-07-28'] as const;

export type Revision = (typeof revisions)[number];

export interface Scenario {
  name: string;
  /** Whether conformance to the revision requires it; the others are extensions, or newer than the revision. */
  scored: boolean;
  /** Why Parley does not pass it; null if it must. */
  missing: string | null;
}

/** All of these are optional extensions of MCP. */
const missing: Readonly<Record<string, string>> = {
  'auth/client-credentials-jwt':
    'Client credentials grants are not supported: a token among the headers does the same.',
  'auth/client-credentials-basic':
    'Client credentials grants are not supported: a token among the headers does the same.',
  'auth/enterprise-managed-authorization': 'Tokens of an enterprise identity provider are not exchanged.',
  'auth/dpop': 'Tokens are not bound to a key.',
  'auth/dpop-nonce': 'Tokens are not bound to a key.',
  'auth/wif-jwt-bearer': 'Tokens of a workload identity are not exchanged.',
};

const listSchema = z.looseObject({
  client: z.array(z.string()),
  not_scored: z.array(z.looseObject({ scenario: z.string(), leg: z.string() })),
});

const projectFolder = join(import.meta.dirname, '..', '..');

/** Folder of the suite's package, which has no entry point. */
const suiteFolder = join(projectFolder, 'node_modules', '@modelcontextprotocol', 'conformance');

export function scenariosOf(revision: Revision): Scenario[] {
  const { client, not_scored: others } = listSchema.parse(
    parse(readFileSync(join(suiteFolder, 'requirements', `${revision}.yaml`), 'utf8')),
  );
  const scenario = (name: string, scored: boolean): Scenario => ({ name, scored, missing: missing[name] ?? null });
  return [
    ...client.map((name) => scenario(name, true)),
    ...others.filter(({ leg }) => leg === 'client').map((each) => scenario(each.scenario, false)),
  ];
}

/** Limit for a scenario, passed to the suite. Slow machines need it. */
const TIMEOUT_MS = 120_000;

/** Runs one scenario against test/conformance/client.ts. `output` is what the suite printed. */
export async function runScenario(scenario: string, revision: Revision): Promise<{ passed: boolean; output: string }> {
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
