/**
 * A statechart as plain values, read from the machine that ships: its states with their words for people, and the
 * transitions between them. What draws or describes a chart starts here. Knows no chart in particular and draws none.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

export interface ChartTransition {
  /** Unique in its chart; what live inspection calls it when it is taken. */
  id: string;
  /** The event, or `after <delay>`, `always`, `done of <actor>`, `error of <actor>`. */
  event: string;
  /** By name; null where nothing stands in its way. */
  guard: string | null;
  /** Id of the state that it leads to; null where the chart stays where it is. */
  target: string | null;
  /** By name, in order. */
  actions: readonly string[];
}

export interface ChartState {
  /** Unique in its chart; the root's is the chart's own. */
  id: string;
  /** As in the chart; the root's is the chart's. */
  name: string;
  /** Names from below the root, joined by dots; empty for the root. */
  path: string;
  /** Id of the state around it; null for the root. */
  parent: string | null;
  kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** Entered with the state around it. */
  isInitial: boolean;
  description: string | null;
  /** Actions by name. */
  entry: readonly string[];
  exit: readonly string[];
  /** Actors that live as long as the state, by id and by the name of their logic. */
  invokes: readonly { id: string; actor: string }[];
  /** Its own, in the order in which they are tried. */
  transitions: readonly ChartTransition[];
}

export interface Chart {
  id: string;
  /** The root first, then each state before those within it. */
  states: readonly ChartState[];
}

export function chartOf(machine: AnyStateMachine): Chart {
  return { id: machine.id, states: statesFrom(machine.root) };
}

/** An event's name as people read it: where XState's own name carries the whole chart, its own word will do. */
export function eventName(type: string): string {
  if (type === '') return 'always';
  return type.replace(/^xstate\.(after)\.([^.]+)\..*$/, '$1 $2').replace(/^xstate\.(done|error)\.actor\./, '$1 of ');
}

/** The name of a guard, action or the like; what has none is `inline`. */
export function nameOf(part: unknown): string {
  if (typeof part === 'string') return part;
  return typeof part === 'object' && part !== null && 'type' in part ? String(part.type) : 'inline';
}

function statesFrom(node: AnyStateNode): ChartState[] {
  return [stateOf(node), ...Object.values(node.states).flatMap(statesFrom)];
}

function stateOf(node: AnyStateNode): ChartState {
  return {
    id: node.id,
    name: node.key,
    path: node.path.join('.'),
    parent: node.parent?.id ?? null,
    kind: node.type,
    isInitial: node.parent?.initial.target.includes(node) ?? false,
    description: node.description ?? null,
    // As written: XState adds its own for timers.
    entry: [node.config.entry ?? []].flat().map(nameOf),
    exit: [node.config.exit ?? []].flat().map(nameOf),
    invokes: node.invoke.map(({ id, src }) => ({ id, actor: nameOf(src) })),
    transitions: [...(node.always ?? []), ...[...node.transitions.values()].flat()].map(transitionOf),
  };
}

function transitionOf(transition: AnyTransitionDefinition): ChartTransition {
  const { eventType, guard, target, actions } = transition;
  return {
    id: edgeIdOf(transition) ?? '',
    event: eventName(eventType),
    guard: guard === undefined ? null : nameOf(guard),
    target: target?.[0]?.id ?? null,
    actions: actions.map(nameOf),
  };
}

/** Without a source (XState's own, of the initial state) there is no edge: null. */
export function edgeIdOf(transition: AnyTransitionDefinition): string | null {
  const { source, eventType } = transition;
  if (source === undefined) return null;
  const siblings: readonly AnyTransitionDefinition[] =
    eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
  const place = siblings.indexOf(transition);
  return place < 0 ? null : `${source.path.join('.')}|${eventType}|${place}`;
}
