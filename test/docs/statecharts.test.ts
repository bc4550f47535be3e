/** The charts as documents: current, described, and whole when they come back from JSON. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createMachine } from 'xstate';
import { chartOf } from '../../src/inspect/charts/chart.ts';
import { shippingMachines } from './machines.ts';
import { generatedFiles, generatedFolders } from './statecharts.ts';

const project = join(import.meta.dirname, '..', '..');
const machines = await shippingMachines();
const files = await generatedFiles();

test('the generated folders hold a page for every machine, the drawings of the inspector, and nothing else', async () => {
  assert.ok(machines.length >= 5);
  const names = await Promise.all(
    generatedFolders.map(async (folder) => (await readdir(join(project, folder))).map((name) => `${folder}/${name}`)),
  );
  assert.deepEqual(names.flat().toSorted(), [...files.keys()].toSorted());
});

for (const [path, text] of files) {
  test(`${path} is up to date (else: node test/docs/statecharts.ts)`, async () => {
    assert.equal(await readFile(join(project, path), 'utf8'), text);
  });
}

for (const machine of machines) {
  describe(machine.id, () => {
    test('says of every state what it is for', () => {
      assert.deepEqual(
        chartOf(machine)
          .states.filter(({ description }) => !description?.endsWith('.'))
          .map(({ id }) => id),
        [],
      );
    });

    test('has guards, actions, delays and actors by name', () => {
      const { actions, guards, delays, actors } = machine.implementations;
      const known = new Set([actions, guards, delays, actors].flatMap((named) => Object.keys(named)));
      const used = chartOf(machine).states.flatMap(({ entry, exit, invokes, transitions }) => [
        ...entry,
        ...exit,
        ...invokes.map(({ actor }) => actor),
        ...transitions.flatMap(({ event, guard, actions: does }) => [
          ...does,
          ...(guard === null ? [] : [guard]),
          ...(event.startsWith('after ') ? [event.slice('after '.length)] : []),
        ]),
      ]);
      assert.ok(used.length > 5);
      assert.deepEqual(
        used.filter((name) => !known.has(name)),
        [],
      );
    });

    test('survives JSON: nothing but the inputs and the first context is code', () => {
      assert.deepEqual(
        functionsIn(machine.config).filter((path) => !/^context$|invoke(\.\d+)?\.input$/.test(path)),
        [],
      );
      const again = createMachine(JSON.parse(JSON.stringify(machine.config)));
      assert.deepEqual(chartOf(again), chartOf(machine));
    });
  });
}

/** Paths of all functions within a value. */
function functionsIn(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === 'function') return [path.join('.')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => functionsIn(part, [...path, key]));
}
