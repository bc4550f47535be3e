/**
 * One event through a shipping chart, without starting an actor: where it leads, which transitions it takes on
 * the way, what it says to its children and to the world. Knows XState and no chart.
 */
import { createActor } from 'xstate';
import type { ActorLogic, ActorScope, AnyActor, AnyTransitionDefinition, EventObject, Snapshot } from 'xstate';

type System = AnyActor['system'];

export interface Step<State, Emitted> {
  snapshot: State;
  /** In the order taken; `from` is the path of the state at that moment. */
  taken: { from: string; transition: AnyTransitionDefinition }[];
  /** What was tried in vain, by event type; '' stands for what needs no event. */
  refused: { from: string; eventType: string }[];
  emitted: Emitted[];
  /** Events to other actors; `to` is a child's id, null for the parent. */
  sent: { to: string | null; event: EventObject }[];
}

/** The path of the one active state of a chart without parallel states. */
export function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [entry] = Object.entries(value ?? {});
  return entry ? `${entry[0]}.${pathOf(entry[1])}` : '';
}

/**
 * Takes one event, and all that the chart raises by it; `before` is null for the chart's start, which takes none.
 * Nothing is carried out: children are not started, and time stands still.
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
      const needsNoEvent = seen._transitions.some(({ eventType }) => eventType === '');
      // Whatever needs no event comes before the next one.
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
    defer: (tell) => tell(),
    stopChild: () => {},
    emit: (said) => void emitted.push(said),
    actionExecutor(action) {
      // Only what is said to others is carried out: actors that nobody started leave it unread.
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

/** Session ids with the names that the chart gave them. */
function childrenOf(snapshot: Snapshot<unknown> | null): [string, string][] {
  const children: Record<string, AnyActor | undefined> =
    snapshot !== null && 'children' in snapshot ? Object(snapshot.children) : {};
  return Object.entries(children).flatMap(([id, child]) => (child ? [[child.sessionId, id]] : []));
}
