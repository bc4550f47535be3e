/**
 * Lists what a proof must cover: every edge of a shipping chart, read from its definition. An edge is a transition in a
 * state that can take it. A transition of a parent state counts once in each of its children.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { getStateNodes } from 'xstate/graph';
import { eventName, nameOf } from '../../src/inspect/charts/chart.ts';

export interface Edge {
  /** Stable while the chart does not change: `turn.streaming: answer.finished [asksForTools]`. */
  id: string;
  /** Path of the state in which it is taken. */
  state: string;
  event: string;
  guard: string | null;
  transition: AnyTransitionDefinition;
}

/** Lists all edges of the chart's active states, without those that another edge always precedes. */
export function edgesOf(chart: AnyStateMachine): Edge[] {
  return getStateNodes(chart.root)
    .filter((node) => node.type === 'atomic')
    .flatMap((node) => edgesOfState(chart.id, node));
}

function edgesOfState(chart: string, state: AnyStateNode): Edge[] {
  const path = state.path.join('.');
  const answered = new Set<string>();
  const edges = new Map<string, Edge>();
  for (let node: AnyStateNode | undefined = state; node; node = node.parent) {
    for (const transition of [...(node.always ?? []), ...[...node.transitions.values()].flat()]) {
      const event = eventName(transition.eventType);
      const guard = transition.guard === undefined ? null : nameOf(transition.guard);
      const id = edgeId(chart, path, event, guard);
      // A transition nearer to the state takes the event if it has no guard. With the same guard it gave the same
      // answer.
      if (answered.has(event) || edges.has(id)) continue;
      edges.set(id, { id, state: path, event, guard, transition });
      if (guard === null) answered.add(event);
    }
  }
  return [...edges.values()];
}

/** Id of the edge that was taken when `transition` left the state at `from`. */
export function edgeTaken(chart: AnyStateMachine, from: string, transition: AnyTransitionDefinition): string {
  return edgeId(
    chart.id,
    from,
    eventName(transition.eventType),
    transition.guard === undefined ? null : nameOf(transition.guard),
  );
}

function edgeId(chart: string, state: string, event: string, guard: string | null): string {
  return `${chart}.${state}: ${event}${guard === null ? '' : ` [${guard}]`}`;
}

/** Edges by state and event, in the order in which they are tried. */
export type EdgeIndex = ReadonlyMap<string, readonly Edge[]>;

export function indexEdges(chart: AnyStateMachine): EdgeIndex {
  return Map.groupBy(edgesOf(chart), ({ state, event }) => `${state}: ${event}`);
}

/** Edges that precede the taken one, or all edges of an event that none took. Their guards returned false. */
export function edgesRefused(
  index: EdgeIndex,
  { from, eventType, taken }: { from: string; eventType: string; taken: string | null },
): string[] {
  const tried = index.get(`${from}: ${eventName(eventType)}`) ?? [];
  const before =
    taken === null
      ? tried
      : tried.slice(
          0,
          tried.findIndex(({ id }) => id === taken),
        );
  return before.filter(({ guard }) => guard !== null).map(({ id }) => id);
}
