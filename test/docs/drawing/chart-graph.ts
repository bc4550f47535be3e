/**
 * Converts a chart to a graph for the layout library: boxes with sizes, lines with labels. Transitions between the same two
 * states are one line. Transitions of the root, and those to a final state with many sources, become words in the box of
 * their source, because their lines would cover the rest.
 */
import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import type { Chart, ChartState, ChartTransition } from '../../../src/inspect/charts/chart.ts';

/** A line: all transitions from one state to another. */
export interface Line {
  from: string;
  to: string;
  transitions: readonly ChartTransition[];
}

/** The drawn elements of a chart. */
export interface ChartGraph {
  states: ReadonlyMap<string, ChartState>;
  /** By the id of their edge in the graph. */
  lines: ReadonlyMap<string, Line>;
  /** By the id of the state whose box contains them. */
  exits: ReadonlyMap<string, readonly Line[]>;
  graph: ElkNode;
}

/** A final state with this many sources is named in their boxes instead of by lines. */
const MANY_SOURCES = 4;

/** Approximate sizes of the page's fonts, in pixels. */
export const sizes = { nameChar: 7.4, labelChar: 5.6, labelLine: 13, exitLine: 14, header: 30, dot: 8 } as const;

const spacing = {
  'elk.algorithm': 'layered',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.edgeCoords': 'ROOT',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  // Keeps the order in which the chart is written.
  'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
  'elk.layered.considerModelOrder.strategy': 'PREFER_NODES',
  'elk.layered.spacing.nodeNodeBetweenLayers': '20',
  'elk.layered.spacing.edgeNodeBetweenLayers': '12',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '8',
  'elk.spacing.nodeNode': '16',
  'elk.spacing.edgeNode': '12',
  'elk.spacing.edgeEdge': '8',
  'elk.spacing.edgeLabel': '3',
} as const;

export interface GraphOptions {
  /** Lines have room for events and guards. Without labels the chart takes about half the space. */
  labels: boolean;
  /** Direction of the layout. */
  direction: 'DOWN' | 'RIGHT';
}

export function chartGraph(chart: Chart, { labels, direction }: GraphOptions): ChartGraph {
  const states = new Map(chart.states.map((state) => [state.id, state]));
  const [root] = chart.states;
  const all = linesOf(chart);
  const sources = (id: string) => all.filter(({ to }) => to === id).length;
  const isExit = ({ from, to }: Line) =>
    from === root?.id || (states.get(to)?.kind === 'final' && sources(to) >= MANY_SOURCES);
  const exits = Map.groupBy(all.filter(isExit), ({ from }) => from);
  const lines = new Map(all.filter((line) => !isExit(line)).map((line, index) => [`line ${index}`, line]));

  const childrenOf = (id: string | null) => chart.states.filter(({ parent }) => parent === id);
  const box = (state: ChartState): ElkNode => {
    const children = childrenOf(state.id);
    const words = exits.get(state.id) ?? [];
    const exitChars = words.reduce((sum, line) => sum + exitText(line, states).length + 1, 0);
    const width = Math.max(64, state.name.length * sizes.nameChar + 26, exitChars * sizes.labelChar + 20);
    const header = sizes.header + (words.length > 0 ? sizes.exitLine : 0);
    if (children.length === 0)
      return {
        id: state.id,
        width,
        height: header + 2,
        ...(isLast(state) ? { layoutOptions: { 'elk.layered.layering.layerConstraint': 'LAST' } } : {}),
      };
    const dot = children.some(({ isInitial }) => isInitial)
      ? [
          {
            id: dotOf(state.id),
            width: sizes.dot,
            height: sizes.dot,
            layoutOptions: { 'elk.layered.layering.layerConstraint': 'FIRST' },
          },
        ]
      : [];
    return {
      id: state.id,
      layoutOptions: {
        'elk.padding': `[top=${header + 8},left=14,bottom=14,right=14]`,
        'elk.nodeSize.constraints': 'MINIMUM_SIZE',
        'elk.nodeSize.minimum': `(${width}, ${header})`,
      },
      children: [...dot, ...children.map(box)],
    };
  };
  /** A final state without lines to it, named only in boxes. */
  const isLast = ({ id, kind }: ChartState) => kind === 'final' && ![...lines.values()].some(({ to }) => to === id);

  const edges: ElkExtendedEdge[] = [...lines].map(([id, line]) => ({
    id,
    sources: [line.from],
    targets: [line.to],
    labels: labels ? [{ text: id, ...labelSize(line) }] : [],
  }));
  const initials = chart.states
    .filter((state) => state.isInitial && state.parent !== null)
    .map(({ id, parent }): ElkExtendedEdge => ({ id: `initial ${id}`, sources: [dotOf(parent ?? '')], targets: [id] }));
  return {
    states,
    lines,
    exits,
    graph: {
      id: '',
      layoutOptions: { ...spacing, 'elk.direction': direction },
      children: root ? [box(root)] : [],
      edges: [...initials, ...edges],
    },
  };
}

/** The label of a line: for each transition its event, and below it the guard. */
export function labelLines({ transitions }: Line): string[] {
  const words = transitions.flatMap(({ event, guard }) => [event, ...(guard === null ? [] : [`[${guard}]`])]);
  return words.filter((word, index) => word !== words[index - 2] || word.startsWith('['));
}

export function exitText({ to }: Line, states: ChartGraph['states']): string {
  return `→ ${states.get(to)?.name ?? to}`;
}

function labelSize(line: Line): { width: number; height: number } {
  const words = labelLines(line);
  return {
    width: Math.max(...words.map(({ length }) => length)) * sizes.labelChar + 8,
    height: words.length * sizes.labelLine + 2,
  };
}

const dotOf = (id: string) => `${id} initial`;

function linesOf(chart: Chart): Line[] {
  const all = chart.states.flatMap(({ id, transitions }) =>
    transitions.flatMap((transition) =>
      transition.target === null ? [] : [{ from: id, to: transition.target, transition }],
    ),
  );
  const grouped = Map.groupBy(all, ({ from, to }) => JSON.stringify([from, to]));
  return [...grouped.values()].flatMap((group) =>
    group.slice(0, 1).map(({ from, to }) => ({ from, to, transitions: group.map(({ transition }) => transition) })),
  );
}
