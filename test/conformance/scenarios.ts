/**
 * What the conformance suite asks of clients, from its own frozen lists, and what of it Parley does not pass, with the
 * reason. The run and docs/reference/mcp.md read it here.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** The revisions for which the suite has such a list. */
export const revisions = ['2025-11-25', '2026-07-28'] as const;

export type Revision = (typeof revisions)[number];

export interface Scenario {
  name: string;
  /** Whether conformance to the revision requires it; the others are extensions, or younger than the revision. */
  scored: boolean;
  /** Why Parley does not pass it; null where it must. */
  missing: string | null;
}

/** All of these are optional extensions of MCP. */
const missing: Readonly<Record<string, string>> = {
  'auth/client-credentials-jwt': 'Grants without a person are not made: a token among the headers does the same.',
  'auth/client-credentials-basic': 'Grants without a person are not made: a token among the headers does the same.',
  'auth/enterprise-managed-authorization': 'Tokens of an enterprise identity provider are not exchanged.',
  'auth/dpop': 'Tokens are not bound to a key.',
  'auth/dpop-nonce': 'Tokens are not bound to a key.',
  'auth/wif-jwt-bearer': 'Tokens of a workload identity are not exchanged.',
};

const listSchema = z.looseObject({
  client: z.array(z.string()),
  not_scored: z.array(z.looseObject({ scenario: z.string(), leg: z.string() })),
});

/** The folder of the suite's package, which has no entry point to ask for. */
export const suiteFolder = join(
  import.meta.dirname,
  '..',
  '..',
  'node_modules',
  '@modelcontextprotocol',
  'conformance',
);

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
