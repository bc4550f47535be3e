/**
 * Provides the charts for the page: states and transitions of the machines that ship, and their drawings.
 * `node test/docs/statecharts.ts` generates the drawings. The page marks the active states.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import { chartOf, type Chart } from './chart.ts';

/** SVG: top-down without labels, top-down with labels, and the flatter of top-down and left-right. */
export interface ChartDrawings {
  small: string;
  labelled: string;
  flat: string;
}

/** A chart with its drawings. */
export interface DrawnChart extends Chart {
  svg: ChartDrawings;
}

/** Resolves with all charts; rejects if a drawing cannot be read. */
export type Charts = () => Promise<readonly DrawnChart[]>;

const FOLDER = join(import.meta.dirname, '..', 'drawings');

/** File name of a drawing in `drawings/`. */
export const drawingFile = (chartId: string, way: keyof ChartDrawings): string => `${chartId}.${way}.svg`;

/** Reads the drawings on each call. */
export function createCharts(machines: readonly AnyStateMachine[]): Charts {
  const read = (id: string, way: keyof ChartDrawings) => readFile(join(FOLDER, drawingFile(id, way)), 'utf8');
  const drawn = async (machine: AnyStateMachine): Promise<DrawnChart> => {
    const [small, labelled, flat] = await Promise.all([
      read(machine.id, 'small'),
      read(machine.id, 'labelled'),
      read(machine.id, 'flat'),
    ]);
    return { ...chartOf(machine), svg: { small, labelled, flat } };
  };
  return () => Promise.all(machines.map(drawn));
}
