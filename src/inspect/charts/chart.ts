/**
 * Reads a machine's states, descriptions and transitions as plain values. Drawings and documents of charts are made from
 * these. Works for every machine, and draws nothing itself.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** One transition of a state. */
export interface ChartTransition {
  /** Unique in its chart. Live inspection names taken transitions by it. */
  id: string;
  /** The event, or `after <delay>`, `always`, `done of <actor>`, `error of <actor>`. */
  event: string;
  /** By name. Null if it has no guard. */
  guard: string | null;
  /** Id of the target state. Null if the state does not change. */
  target: string | null;
  /** By name, in order. */
  actions: readonly string[];
}

/** One state with its transitions. */
export interface ChartState {
  /** Unique in its chart. The root has the chart's id. */
  id: string;
  /** Key in the chart. The root has the chart's name. */
  name: string;
  /** Keys below the root, joined by dots. Empty for the root. */
  path: string;
  /** Id of the parent state. Null for the root. */
  parent: string | null;
  kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** Entered together with its parent. */
  isInitial: boolean;
  description: string | null;
  /** Actions by name. */
  entry: readonly string[];
  exit: readonly string[];
  /** Actors that run while the state is active: id, and name of the logic. */
  invokes: readonly { id: string; actor: string }[];
  /** Its own, in the order in which XState tries them. */
  transitions: readonly ChartTransition[];
}

/** A machine without its code. */
export interface Chart {
  id: string;
  /** The root first; each state before its children. */
  states: readonly ChartState[];
}

/** Reads all states of a machine. */
export function chartOf(machine: AnyStateMachine): Chart {
  return { id: machine.id, states: statesFrom(machine.root) };
}

/** A readable event name: XState's names for timers and actors contain the whole path. */
export function eventName(type: string): string {
  if (type === '') return 'always';
  return type.replace(/^xstate\.(after)\.([^.]+)\..*$/, '$1 $2').replace(/^xstate\.(done|error)\.actor\./, '$1 of ');
}

/** The name of a guard, action or actor; `inline` if it has none. */
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
    // From the config: XState adds actions for timers to the node.
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

/**
 * Names a transition by source, event, and position among the source's transitions for that event. Null for XState's
 * transition to the initial state, which has no source.
 */
export function edgeIdOf(transition: AnyTransitionDefinition): string | null {
  const { source, eventType } = transition;
  if (source === undefined) return null;
  const siblings: readonly AnyTransitionDefinition[] =
    eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
  const place = siblings.indexOf(transition);
  return place < 0 ? null : `${source.path.join('.')}|${eventType}|${place}`;
}
