/**
 * The charts that the page shows, drawn from the machines that ship: once, when somebody first asks, in a thread of
 * its own. What is drawn never changes while the server runs; what is active is for the page to show.
 */
import type { AnyStateMachine } from 'xstate';
import type { ElkNode } from 'elkjs/lib/elk-api.js';
import { chartGraph, type ChartGraph } from './chart-graph.ts';
import { chartOf, type Chart } from './chart.ts';
import { drawChart } from './drawing.ts';
import { layOut } from './layout.ts';

export interface DrawnChart extends Chart {
  /** SVG: top-down without labels, the same with them, and whichever way is the flattest. */
  svg: { small: string; labelled: string; flat: string };
}

/** Resolves with all charts. Tries again after a failure. */
export type Charts = () => Promise<readonly DrawnChart[]>;

export function createCharts(machines: readonly AnyStateMachine[]): Charts {
  let drawn: Promise<readonly DrawnChart[]> | null = null;
  return () => {
    drawn ??= drawAll(machines.map(chartOf)).catch((error: unknown) => {
      drawn = null;
      throw error;
    });
    return drawn;
  };
}

async function drawAll(charts: readonly Chart[]): Promise<readonly DrawnChart[]> {
  const ways = charts.map((chart) => [
    chartGraph(chart, { labels: false, direction: 'DOWN' }),
    chartGraph(chart, { labels: true, direction: 'DOWN' }),
    chartGraph(chart, { labels: false, direction: 'RIGHT' }),
  ] as const);
  const laidOut = await layOut(ways.flat().map(({ graph }) => graph));
  return charts.map((chart, index) => {
    const draw = (way: number) => drawn(chart, ways[index]?.[way], laidOut[3 * index + way]);
    const isFlatter = flatness(laidOut[3 * index + 2]) > flatness(laidOut[3 * index]);
    return { ...chart, svg: { small: draw(0), labelled: draw(1), flat: draw(isFlatter ? 2 : 0) } };
  });
}

function drawn(chart: Chart, way: ChartGraph | undefined, laidOut: ElkNode | undefined): string {
  if (!way || !laidOut) throw new Error(`the chart ${chart.id} was not laid out`);
  return drawChart(way, laidOut, chart.id);
}

const flatness = ({ width = 0, height = 1 }: ElkNode = { id: '' }) => width / height;
