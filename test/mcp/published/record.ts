/**
 * Judges published servers that are no dependencies of Parley, and writes results.json. Install them first:
 * npm install --prefix FOLDER PACKAGE@VERSION ..., then node test/mcp/published/record.ts FOLDER
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { judge, type Judged, type PublishedServer } from './judge.ts';

/** The program within the package, its arguments and its environment. Keys are made up: no request leaves the machine. */
const programs: [name: string, program: string, args?: string[], env?: Record<string, string>][] = [
  ['@modelcontextprotocol/server-everything', 'dist/index.js', ['stdio']],
  ['@modelcontextprotocol/server-filesystem', 'dist/index.js', [tmpdir()]],
  ['@modelcontextprotocol/server-memory', 'dist/index.js'],
  ['@modelcontextprotocol/server-sequential-thinking', 'dist/index.js'],
  ['@playwright/mcp', 'cli.js'],
  ['chrome-devtools-mcp', 'build/src/bin/chrome-devtools-mcp.js'],
  ['@wonderwhy-er/desktop-commander', 'dist/index.js'],
  ['@zereight/mcp-gitlab', 'build/index.js', [], { GITLAB_PERSONAL_ACCESS_TOKEN: 'glpat-none' }],
  ['@notionhq/notion-mcp-server', 'bin/cli.mjs', [], { NOTION_TOKEN: 'ntn_none' }],
  ['@cyanheads/git-mcp-server', 'dist/index.js'],
  ['mcp-server-kubernetes', 'dist/index.js'],
  ['@eslint/mcp', 'src/mcp-cli.js'],
  ['mcp-mermaid', 'build/index.js'],
  ['mongodb-mcp-server', 'dist/esm/index.js'],
];

const [, , root] = process.argv;
if (root === undefined) {
  process.stderr.write('Name the folder in which the servers are installed.\n');
  process.exit(1);
}
const folder = join(root, 'node_modules');
const results: Judged[] = [];
for (const [name, program, args = [], env = {}] of programs) {
  if (!existsSync(join(folder, name))) continue;
  const { version } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'));
  const server: PublishedServer = { package: name, version: String(version), program, args, env };
  const judged = await judge(server, folder).catch((error: unknown) => {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    return null;
  });
  if (judged === null) continue;
  process.stdout.write(`${name}: ${judged.tools} tools\n`);
  results.push(judged);
}
writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
