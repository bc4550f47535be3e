/**
 * Draws a laid-out chart as SVG, without colours, fonts and scripts. The page's style sheet has those, and marks active
 * states by classes. `data-state` is a state's path; `data-edges` are the ids of the transitions of a line or a word.
 */
import type { ElkNode, ElkPoint } from 'elkjs/lib/elk-api.js';
import { exitText, labelLines, sizes, type ChartGraph, type Line } from './chart-graph.ts';
import type { ChartState } from '../../../src/inspect/charts/chart.ts';

const MARGIN = 6;
const CORNER = 7;
/** Size of an arrow's head. */
const HEAD = { length: 7, halfWidth: 3.5 } as const;

/** Returns the SVG. `laidOut` is the graph after the layout. */
export function drawChart({ states, lines, exits }: ChartGraph, laidOut: ElkNode, title: string): string {
  const boxes: string[] = [];
  const drawBox = (node: ElkNode, x: number, y: number, depth: number) => {
    const state = states.get(node.id);
    if (state)
      boxes.push(
        boxOf(
          state,
          { x, y, width: node.width ?? 0, height: node.height ?? 0 },
          exits.get(node.id) ?? [],
          states,
          depth,
        ),
      );
    else if (node.id !== '')
      boxes.push(`<circle class="start" cx="${x + sizes.dot / 2}" cy="${y + sizes.dot / 2}" r="${sizes.dot / 2}"/>`);
    for (const child of node.children ?? []) drawBox(child, x + (child.x ?? 0), y + (child.y ?? 0), depth + 1);
  };
  drawBox(laidOut, 0, 0, 0);
  const arrows = edgesIn(laidOut).map(({ id, sections = [], labels = [] }) => {
    const line = lines.get(id);
    const path = sections
      .map((section) => arrowOf([section.startPoint, ...(section.bendPoints ?? []), section.endPoint]))
      .join('');
    const words = line ? labelLines(line) : [];
    const label = labels
      .map(({ x = 0, y = 0 }) =>
        words
          .map(
            (word, index) =>
              `<text class="label" x="${x + 3}" y="${y + (index + 1) * sizes.labelLine - 3}">${escaped(word)}</text>`,
          )
          .join(''),
      )
      .join('');
    return `<g class="edge" data-edges="${escaped(idsOf(line))}"${line ? ` data-from="${escaped(line.from)}"` : ''}>${line ? `<title>${escaped(words.join(' '))}</title>` : ''}${path}${label}</g>`;
  });
  const [width, height] = [(laidOut.width ?? 0) + 2 * MARGIN, (laidOut.height ?? 0) + 2 * MARGIN];
  return `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="${-MARGIN} ${-MARGIN} ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" role="group" aria-label="${escaped(title)}">${boxes.join('')}${arrows.join('')}</svg>`;
}

function boxOf(
  state: ChartState,
  at: { x: number; y: number; width: number; height: number },
  exits: readonly Line[],
  states: ChartGraph['states'],
  depth: number,
): string {
  const { x, y, width, height } = at;
  const nests = state.kind === 'compound' || state.kind === 'parallel';
  const kind = nests ? 'compound' : state.kind;
  const left = nests ? x + 14 : x + width / 2;
  const inner =
    state.kind === 'final'
      ? `<rect class="inner" x="${x + 3}" y="${y + 3}" width="${width - 6}" height="${height - 6}" rx="${CORNER - 2}"/>`
      : '';
  const words = exits.map(
    (line) =>
      `<tspan class="edge" data-edges="${escaped(idsOf(line))}">${escaped(exitText(line, states))}<title>${escaped(labelLines(line).join(' '))}</title></tspan>`,
  );
  const exit =
    words.length === 0
      ? ''
      : `<text class="exit" x="${round(left)}" y="${round(y + sizes.header + 5)}">${words.join(' ')}</text>`;
  return (
    `<g class="state ${kind} depth${depth}" data-state="${escaped(state.path)}" tabindex="0" role="img" aria-label="${escaped(labelOf(state))}">` +
    `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${CORNER}"/>${inner}` +
    `<text class="name" x="${round(left)}" y="${round(y + 20)}">${escaped(state.name)}</text>${exit}</g>`
  );
}

function labelOf({ name, description }: ChartState): string {
  return description === null ? name : `${name}: ${description}`;
}

/** A polyline with round corners and an arrow's head. */
function arrowOf(points: readonly ElkPoint[]): string {
  const steps = points.map((point, index) => {
    const [before, after] = [points[index - 1], points[index + 1]];
    if (!before) return `M${at(point)}`;
    if (!after) return `L${at(point)}`;
    const radius = Math.min(CORNER, distance(before, point) / 2, distance(point, after) / 2);
    return `L${at(towards(point, before, radius))}Q${at(point)} ${at(towards(point, after, radius))}`;
  });
  const [tip, tail] = [points.at(-1), points.at(-2)];
  return `<path class="line" d="${steps.join('')}"/>${tip && tail ? headOf(tip, tail) : ''}`;
}

function headOf(tip: ElkPoint, tail: ElkPoint): string {
  const base = towards(tip, tail, HEAD.length);
  const [x, y] = [(tip.x - base.x) / HEAD.length, (tip.y - base.y) / HEAD.length];
  const side = (sign: number) => ({ x: base.x - sign * y * HEAD.halfWidth, y: base.y + sign * x * HEAD.halfWidth });
  return `<path class="head" d="M${at(tip)}L${at(side(1))}L${at(side(-1))}Z"/>`;
}

function edgesIn(node: ElkNode): NonNullable<ElkNode['edges']> {
  return [...(node.edges ?? []), ...(node.children ?? []).flatMap(edgesIn)];
}

const distance = (one: ElkPoint, other: ElkPoint) => Math.hypot(one.x - other.x, one.y - other.y);

function towards(from: ElkPoint, to: ElkPoint, length: number): ElkPoint {
  const share = length / (distance(from, to) || 1);
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

const round = (value: number) => Math.round(value * 10) / 10;
const at = ({ x, y }: ElkPoint) => `${round(x)} ${round(y)}`;
const idsOf = (line: Line | undefined) => line?.transitions.map(({ id }) => id.replaceAll(' ', '_')).join(' ') ?? '';

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
