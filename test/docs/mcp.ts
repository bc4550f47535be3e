/**
 * Writes the tables of docs/reference/mcp.md from what the tests play: features and transports by revision, the conformance
 * suite's scenarios, and published servers. Run it after a change of those: node test/docs/mcp.ts. A test fails while the page is out of
 * date. The rest of the page is written by hand.
 */
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { revisions as judged, scenariosOf } from '../conformance/scenarios.ts';
import { revisionTable } from '../mcp/revision-table.ts';
import { REVISIONS, isOf, type Span } from '../mcp/revisions.ts';
import type { Judged } from '../mcp/published/judge.ts';
import { APIS } from '../support/declaration-rules.ts';
import { transportTable } from '../mcp/transport-table.ts';

const path = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'mcp.md');

const mcpTests = join(import.meta.dirname, '..', 'mcp');

const parts: readonly (readonly [name: string, text: () => string])[] = [
  ['revisions', revisionTables],
  ['conformance', conformance],
  ['published servers', publishedServers],
];

/** The page as it is, and as it should be. */
export async function mcpPage(): Promise<{ path: string; stands: string; text: string }> {
  const stands = await readFile(path, 'utf8');
  const text = parts.reduce((page, [name, write]) => {
    const place = new RegExp(`(<!-- ${name}:[^>]*-->\\n)[^]*(<!-- end of ${name} -->)`);
    if (!place.test(page)) throw new Error(`docs/reference/mcp.md has no place for its ${name}`);
    return page.replace(place, (_, begin: string, end: string) => `${begin}\n${write()}\n\n${end}`);
  }, stands);
  return { path, stands, text };
}

function revisionTables(): string {
  const line = (what: string, span: Span) =>
    `| ${what} | ${REVISIONS.map((revision) => (isOf(span, revision) ? 'yes' : '')).join(' | ')} |`;
  const table = (title: string, lines: string[]) =>
    [`| ${title} | ${REVISIONS.join(' | ')} |`, `|---|${REVISIONS.map(() => '---|').join('')}`, ...lines].join('\n');
  return [
    table(
      'Transports',
      transportTable.map((each) => line(each.transport, each)),
    ),
    ...revisionTable.map(({ title, rows }) =>
      table(
        title,
        rows.map((row) => line(row.feature, row)),
      ),
    ),
  ].join('\n\n');
}

function publishedServers(): string {
  const results: Judged[] = JSON.parse(readFileSync(join(mcpTests, 'published', 'results.json'), 'utf8'));
  const refused = APIS.join(' | ');
  return [
    `| server | version | tools | ${refused} | refused as Parley declares them |`,
    `|---|---|---|${APIS.map(() => '---|').join('')}---|`,
    ...results.map(
      ({ package: name, version, tools, refused: counts, stillRefused }) =>
        `| \`${name}\` | ${version} | ${tools} | ${APIS.map((api) => counts[api]).join(' | ')} | ${stillRefused.length} |`,
    ),
  ].join('\n');
}

function conformance(): string {
  const all = judged.map((revision) => ({ revision, scenarios: scenariosOf(revision) }));
  const counts = all.map(({ revision, scenarios }) => {
    const scored = scenarios.filter((each) => each.scored);
    return `| ${revision} | ${scored.filter(({ missing }) => missing === null).length} of ${scored.length} |`;
  });
  const missing = new Map(
    all
      .flatMap(({ scenarios }) => scenarios)
      .flatMap(({ name, scored, missing }) => (missing === null ? [] : ([[name, { scored, missing }]] as const))),
  );
  return [
    ['| revision | required scenarios that pass |', '|---|---|', ...counts].join('\n'),
    [
      '| scenario that does not pass | required | why |',
      '|---|---|---|',
      ...[...missing].map(([name, { scored, missing: why }]) => `| \`${name}\` | ${scored ? 'yes' : 'no'} | ${why} |`),
    ].join('\n'),
  ].join('\n\n');
}

if (import.meta.main) {
  const { path: file, text } = await mcpPage();
  await writeFile(file, text);
}
