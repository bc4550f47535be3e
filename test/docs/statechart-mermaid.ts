/**
 * Writes a chart as a Mermaid state diagram. Mermaid cannot draw an arrow from a state to one inside it, nor a
 * transition without a target: the page has those in words.
 */
import type { Chart, ChartState } from '../../src/inspect/charts/chart.ts';

/** Fenced, as GitHub draws it. */
export function mermaidOf(chart: Chart): string {
  const root = chart.states.filter(({ parent }) => parent === null);
  const lines = root.flatMap(({ id }) => within(chart, id, '  '));
  const arrows = chart.states
    .flatMap((state) => arrowsFrom(chart, state))
    .map(({ from, to, labels }) => `  ${word(from)} --> ${word(to)} : ${labels.join('<br/>')}`);
  return ['```mermaid', 'stateDiagram-v2', ...lines, ...arrows, '```'].join('\n');
}

/** What can be drawn: one arrow between two states, with a label for each transition. */
function arrowsFrom(chart: Chart, state: ChartState): { from: string; to: string; labels: string[] }[] {
  const arrows = new Map<string, string[]>();
  for (const { event, guard, target } of state.transitions) {
    if (target === null || isWithin(chart, target, state.id)) continue;
    arrows.set(target, [...(arrows.get(target) ?? []), guard === null ? event : `${event} [${guard}]`]);
  }
  return [...arrows].map(([to, labels]) => ({ from: state.id, to, labels }));
}

/** The states inside another one, with those inside them. */
function within(chart: Chart, id: string, indent: string): string[] {
  return chart.states
    .filter(({ parent }) => parent === id)
    .flatMap((state) => {
      const inner = within(chart, state.id, `${indent}  `);
      const start = state.isInitial ? [`${indent}[*] --> ${word(state.id)}`] : [];
      const named = `${indent}state "${state.name}" as ${word(state.id)}`;
      const end = state.kind === 'final' ? [`${indent}${word(state.id)} --> [*]`] : [];
      return [...start, ...(inner.length === 0 ? [named] : [`${named} {`, ...inner, `${indent}}`]), ...end];
    });
}

/** A state is not within itself. */
export function isWithin(chart: Chart, id: string, outer: string): boolean {
  const parent = chart.states.find((state) => state.id === id)?.parent ?? null;
  return parent !== null && (parent === outer || isWithin(chart, parent, outer));
}

function word(id: string): string {
  return id.replaceAll(/\W/g, '_');
}
