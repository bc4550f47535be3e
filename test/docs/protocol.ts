/**
 * Writes docs/reference/protocol.md and docs/reference/protocol.schema.json from src/protocol/ and src/error-codes.ts; the text of the
 * page is in protocol-page.md. Run it after a change of either: node test/docs/protocol.ts. A test fails while a
 * generated file is out of date.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { protocolDefinitions, protocolSchema } from './protocol-schema.ts';
import { protocolTables } from './protocol-tables.ts';

const project = join(import.meta.dirname, '..', '..');

/** The generated files: path within the project, and the text that belongs there. */
export async function generatedFiles(): Promise<{ path: string; text: string }[]> {
  return [
    { path: 'docs/reference/protocol.md', text: await protocolPage() },
    { path: 'docs/reference/protocol.schema.json', text: `${JSON.stringify(protocolSchema(), null, 2)}\n` },
  ];
}

/** Throws if a table has no placeholder in the page, or a placeholder no table. */
async function protocolPage(): Promise<string> {
  const page = await readFile(join(import.meta.dirname, 'protocol-page.md'), 'utf8');
  const tables = new Map(Object.entries(protocolTables(protocolDefinitions())));
  const whole = page.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const table = tables.get(name);
    if (table === undefined)
      throw new Error(`protocol-page.md has a placeholder "${name}" without a table, or has it twice.`);
    tables.delete(name);
    return table;
  });
  if (tables.size > 0) throw new Error(`protocol-page.md lacks the placeholders ${[...tables.keys()].join(', ')}.`);
  return whole;
}

if (import.meta.main) {
  for (const { path, text } of await generatedFiles()) await writeFile(join(project, path), text);
}
