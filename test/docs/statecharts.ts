/**
 * Writes docs/reference/statecharts/ from the machines that ship: for each a page, a drawing, and its configuration as JSON for
 * editors. Writes the drawings of the inspector's page (src/inspect/drawings/) too. Run it after a change of a chart:
 * node test/docs/statecharts.ts. A test fails while a file is out of date.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { conversationMachine } from '../../machines/conversation/machine.ts';
import { mcpServerMachine } from '../../machines/mcp-server.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import { drawingFile } from '../../src/inspect/charts/drawn-charts.ts';
import { drawCharts } from './drawing/draw-charts.ts';
import { shippingMachines } from './machines.ts';
import { fileName, indexPage, machinePage } from './statechart-page.ts';
import { standalone } from './statechart-svg.ts';

const project = join(import.meta.dirname, '..', '..');
const DOCS = 'docs/reference/statecharts';
const DRAWINGS = 'src/inspect/drawings';
export const generatedFolders = [DOCS, DRAWINGS];

/** Every file of these folders by its path within the project, with the text that belongs there. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const machines = await shippingMachines();
  const drawings = await drawCharts(machines);
  const files = new Map([[`${DOCS}/README.md`, indexPage(machines)]]);
  for (const machine of machines) {
    const svg = drawings.get(machine.id);
    if (!svg) continue;
    files.set(`${DOCS}/${fileName(machine.id)}.md`, machinePage(machine));
    files.set(`${DOCS}/${fileName(machine.id)}.svg`, standalone(svg.labelled));
    files.set(`${DOCS}/${fileName(machine.id)}.json`, `${JSON.stringify(machine.config, null, 2)}\n`);
    if (!INSPECTED.includes(machine.id)) continue;
    for (const way of ['small', 'labelled', 'flat'] as const)
      files.set(`${DRAWINGS}/${drawingFile(machine.id, way)}`, svg[way]);
  }
  return files;
}

/** Charts that the inspector's page shows. */
const INSPECTED = [conversationMachine, toolCallMachine, mcpServerMachine].map(({ id }) => id);

if (import.meta.main) {
  const files = await generatedFiles();
  for (const folder of generatedFolders) {
    await mkdir(join(project, folder), { recursive: true });
    for (const name of await readdir(join(project, folder)))
      if (!files.has(`${folder}/${name}`)) await rm(join(project, folder, name));
  }
  for (const [path, text] of files) await writeFile(join(project, path), text);
}
