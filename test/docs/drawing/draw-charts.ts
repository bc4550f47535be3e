/**
 * Draws the charts that ship: lays each out in three ways with ELK, and draws it as SVG. Runs only when the documents are
 * generated, so the server needs no layout library.
 */
import type { AnyStateMachine } from 'xstate';
import type { ElkNode } from 'elkjs/lib/elk-api.js';
import elk from 'elkjs/lib/elk.bundled.js';
import { chartOf } from '../../../src/inspect/charts/chart.ts';
import type { ChartDrawings } from '../../../src/inspect/charts/drawn-charts.ts';
import { chartGraph } from './chart-graph.ts';
import { drawChart } from './draw-chart.ts';

/** Resolves with the drawings by machine id. */
export async function drawCharts(machines: readonly AnyStateMachine[]): Promise<Map<string, ChartDrawings>> {
  const library = new elk.default();
  const drawings = new Map<string, ChartDrawings>();
  for (const machine of machines) {
    const chart = chartOf(machine);
    const draw = async (labels: boolean, direction: 'DOWN' | 'RIGHT') => {
      const graph = chartGraph(chart, { labels, direction });
      const laidOut = await library.layout(graph.graph);
      return { svg: drawChart(graph, laidOut, chart.id), flatness: flatnessOf(laidOut) };
    };
    const [small, labelled, wide] = [await draw(false, 'DOWN'), await draw(true, 'DOWN'), await draw(false, 'RIGHT')];
    drawings.set(chart.id, {
      small: small.svg,
      labelled: labelled.svg,
      flat: wide.flatness > small.flatness ? wide.svg : small.svg,
    });
  }
  return drawings;
}

const flatnessOf = ({ width = 0, height = 1 }: ElkNode) => width / height;
