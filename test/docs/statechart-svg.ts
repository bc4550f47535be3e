/**
 * A chart as an SVG file: what the inspection page draws, with its lines labelled, in colours of its own, since no page
 * lends it any. Light or dark as the reader has it.
 */
import type { AnyStateMachine } from 'xstate';
import { createCharts } from '../../src/inspect/charts.ts';

/** By the chart's id. */
export async function drawAll(machines: readonly AnyStateMachine[]): Promise<Map<string, string>> {
  const drawn = await createCharts(machines)();
  return new Map(drawn.map(({ id, svg }) => [id, `${coloured(svg.labelled)}\n`]));
}

function coloured(svg: string): string {
  return svg.replace('>', `><style>${style}</style>`);
}

const style = [
  'svg{background:#fff;font:12px system-ui,sans-serif;--ink:#1c2330;--soft:#5b6472;--line:#8a93a3;--box:#f4f6fa;--inner:#fff}',
  '@media(prefers-color-scheme:dark){svg{background:#14181f;--ink:#e6e9ef;--soft:#a3acbb;--line:#6d7788;--box:#1c222c;--inner:#252c38}}',
  '.state rect{fill:var(--inner);stroke:var(--line)}.state.compound>rect{fill:var(--box)}.state .inner{fill:none}',
  '.name{fill:var(--ink);font-size:13px;font-weight:500;text-anchor:middle}.compound>.name{text-anchor:start}',
  '.label,.exit{fill:var(--soft);font-size:10px}.exit{text-anchor:middle}.compound>.exit{text-anchor:start}',
  '.line{fill:none;stroke:var(--line)}.head,.start{fill:var(--line)}',
].join('');
