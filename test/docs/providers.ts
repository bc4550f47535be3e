/**
 * Writes the tables of dialects into docs/reference/providers.md, from the table that the tests play. Run it after a change of
 * that: node test/docs/providers.ts. A test fails while the page is out of date. The rest of the page is written by hand.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dialectTable, type DialectRow } from '../llm/dialect-table.ts';

const path = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'providers.md');
const place = /(<!-- dialects:[^>]*-->\n)[^]*(<!-- end of dialects -->)/;

/** The page as it is, and as it should be. */
export async function providersPage(): Promise<{ path: string; stands: string; text: string }> {
  const stands = await readFile(path, 'utf8');
  if (!place.test(stands)) throw new Error('docs/reference/providers.md has no place for its dialects');
  return {
    path,
    stands,
    text: stands.replace(place, (_, begin: string, end: string) => `${begin}\n${tables()}\n\n${end}`),
  };
}

function tables(): string {
  return dialectTable
    .map(({ title, rows }) => [`| ${title} | used by | result |`, '|---|---|---|', ...rows.map(line)].join('\n'))
    .join('\n\n');
}

function line({ dialect, speakers, source, gives }: DialectRow): string {
  return `| ${dialect} | [${speakers}](${source}) | ${outcome(gives)} |`;
}

/** In a few words. The text of the answer is the same in all rows. */
function outcome(gives: DialectRow['gives']): string {
  if ('fault' in gives) return `\`${gives.fault}\`${gives.text === undefined ? '' : ', after text'}`;
  const { text, reasoning, calls, finishReason, usage } = gives;
  const calling = calls && (calls.length === 1 ? 'one call' : `${calls.length} calls`);
  const counted = usage === undefined ? null : usage === null ? 'usage estimated' : 'usage as reported';
  const ended = finishReason === undefined ? null : `finish \`${finishReason}\``;
  return [reasoning === undefined ? null : 'reasoning', text === undefined ? null : 'text', calling, ended, counted]
    .filter(Boolean)
    .join(', ');
}

if (import.meta.main) {
  const { path: file, text } = await providersPage();
  await writeFile(file, text);
}
