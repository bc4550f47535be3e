/**
 * Sends one event through a shipping chart without starting an actor. Records the transitions, the events to children
 * and what the chart emits. Depends on XState and on no particular chart.
 */
import { createActor } from 'xstate';
import type { ActorLogic, ActorScope, AnyActor, AnyTransitionDefinition, EventObject, Snapshot } from 'xstate';

type System = AnyActor['system'];

export interface Step<State, Emitted> {
  snapshot: State;
  /** In the order taken; `from` is the path of the state at that moment. */
  taken: { from: string; transition: AnyTransitionDefinition }[];
  /** Events that no transition took, by type. '' stands for transitions that need no event. */
  refused: { from: string; eventType: string }[];
  emitted: Emitted[];
  /** Events to other actors; `to` is a child's id, null for the parent. */
  sent: { to: string | null; event: EventObject }[];
}

/** Path of the active state in a chart without parallel states. */
export function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [entry] = Object.entries(value ?? {});
  return entry ? `${entry[0]}.${pathOf(entry[1])}` : '';
}

/**
 * Takes one event and everything that the chart raises in response. `before` is null for the start of the chart, which
 * takes no event. Executes no effects: children do not start and timers do not run.
 */
export function stepThrough<
  State extends Snapshot<unknown>,
  Event extends EventObject,
  Input,
  Emitted extends EventObject,
>(
  chart: ActorLogic<State, Event, Input, System, Emitted>,
  input: Input,
  before: State | null,
  event: Event | null,
): Step<State, Emitted> {
  const parent = createActor(chart, { input });
  const shell = createActor(chart, { input, parent });
  const taken: Step<State, Emitted>['taken'] = [];
  const refused: Step<State, Emitted>['refused'] = [];
  const emitted: Emitted[] = [];
  const sent: { to: string; event: EventObject }[] = [];
  let at = valueOf(before);
  let hasMoved = false;
  shell.system.inspect((seen) => {
    if (seen.type === '@xstate.microstep') {
      // A child takes transitions of its own when it is created.
      if (seen.actorRef !== shell) return;
      const needsNoEvent = seen._transitions.some(({ eventType }) => eventType === '');
      // Transitions that need no event run before the next event.
      if (hasMoved && !needsNoEvent) refused.push({ from: at, eventType: '' });
      hasMoved = true;
      if (seen._transitions.length === 0) refused.push({ from: at, eventType: seen.event.type });
      for (const transition of seen._transitions) taken.push({ from: at, transition });
      at = valueOf(seen.snapshot);
    } else if (seen.type === '@xstate.event') {
      sent.push({ to: seen.actorRef.sessionId, event: seen.event });
    }
  });
  const scope: ActorScope<State, Event, System, Emitted> = {
    self: shell,
    id: '',
    sessionId: '',
    system: shell.system,
    logger: () => {},
    defer: (send) => send(),
    stopChild: () => {},
    emit: (said) => void emitted.push(said),
    actionExecutor(action) {
      // Only messages to others are executed. The actors that receive them are not started and ignore them.
      if (action.type === 'xstate.emit' || action.type === 'xstate.sendTo') action.exec?.(action.info, action.params);
    },
  };
  const snapshot =
    before === null || event === null ? chart.getInitialSnapshot(scope, input) : chart.transition(before, event, scope);
  if (snapshot.status === 'active') refused.push({ from: at, eventType: '' });
  const children = new Map([before, snapshot].flatMap(childrenOf));
  return {
    snapshot,
    taken,
    refused,
    emitted,
    sent: sent.map(({ to, event }) => ({ to: children.get(to) ?? null, event })),
  };
}

function valueOf(snapshot: Snapshot<unknown> | null): string {
  return snapshot !== null && 'value' in snapshot ? pathOf(snapshot.value) : '';
}

/** Maps session ids to the names that the chart gave its children. */
function childrenOf(snapshot: Snapshot<unknown> | null): [string, string][] {
  const children: Record<string, AnyActor | undefined> =
    snapshot !== null && 'children' in snapshot ? Object(snapshot.children) : {};
  return Object.entries(children).flatMap(([id, child]) => (child ? [[child.sessionId, id]] : []));
}
