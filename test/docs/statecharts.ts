/**
 * Writes docs/statecharts/ from the machines that ship: for each a page, a drawing, and its configuration as JSON for editors.
 * Run it after a change of a chart: node test/docs/statecharts.ts. A test fails while a file is out of date.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shippingMachines } from './machines.ts';
import { fileName, indexPage, machinePage } from './statechart-page.ts';
import { drawAll } from './statechart-svg.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'statecharts');

/** Every file of the folder by its name, with the text that belongs there. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const machines = await shippingMachines();
  const drawings = await drawAll(machines);
  const files = machines.flatMap((machine): [string, string][] => [
    [`${fileName(machine.id)}.md`, machinePage(machine)],
    [`${fileName(machine.id)}.svg`, drawings.get(machine.id) ?? ''],
    [`${fileName(machine.id)}.json`, `${JSON.stringify(machine.config, null, 2)}\n`],
  ]);
  return new Map([['README.md', indexPage(machines)], ...files]);
}

if (import.meta.main) {
  const files = await generatedFiles();
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) if (!files.has(name)) await rm(join(folder, name));
  for (const [name, text] of files) await writeFile(join(folder, name), text);
}
