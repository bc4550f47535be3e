/**
 * Watches the actors of one system and tells what they do in the format of `@statelyai/inspect`. It attaches to a
 * system while that runs, so one that nobody watches pays nothing. Everything is told at once, in order: the package
 * defers each message, and then tells of an actor's birth with the snapshot of its end.
 */
import { Actor, type AnyActorRef, type InspectionEvent, type Subscription } from 'xstate';
import type { Definitions } from '../stately-format.ts';
import { edgeIdOf } from '../charts/chart.ts';
import { redacted, type RedactionLimits } from '../redaction.ts';
import { FORMAT_VERSION, type StatelyMessage, type ToldSnapshot } from '../stately-format.ts';

export interface WatchDeps {
  definitions: Definitions;
  limits: RedactionLimits;
  /** Sets this process's actors apart from another's: XState numbers them from 0 in each. */
  bootId: string;
  nowMs(): number;
  /** Must not throw: it is called in the middle of a transition. */
  tell(message: StatelyMessage): void;
  onError(error: unknown): void;
}

/** What a message of any kind begins with. */
type Head = Pick<StatelyMessage, 'rootId' | 'sessionId' | 'createdAt' | 'id' | '_version'>;

/**
 * First tells of `root` and its children as they are now, then of everything that happens in the system to those that
 * have `root` above them. A fault of its own ends the watch and is told to `onError`, never to the actors.
 */
export function watchActors(root: AnyActorRef, deps: WatchDeps): Subscription {
  let lastId = 0;
  /** Of the macrostep that is under way, by actor. */
  const taken = new Map<string, string[]>();
  const idOf = (sessionId: string) => `${deps.bootId}/${sessionId}`;
  const rootId = idOf(root.sessionId);
  const head = (sessionId: string): Head => {
    lastId += 1;
    return {
      rootId,
      sessionId: idOf(sessionId),
      createdAt: String(deps.nowMs()),
      id: String(lastId),
      _version: FORMAT_VERSION,
    };
  };
  const eventOf = (event: { type: string }) => ({ ...fieldsOf(redacted(event, deps.limits)), type: event.type });

  const tellActor = (actor: AnyActorRef) =>
    deps.tell({
      type: '@xstate.actor',
      ...head(actor.sessionId),
      name: actor.id,
      parentId: actor === root || !actor._parent ? undefined : idOf(actor._parent.sessionId),
      definition: deps.definitions(actor instanceof Actor ? actor.logic : null, actor.id),
      snapshot: snapshotOf(actor.getSnapshot(), deps.limits),
    });

  const hear = (inspected: InspectionEvent) => {
    const actor = inspected.actorRef;
    if (!(actor instanceof Actor) || !isWithin(actor, root)) return;
    switch (inspected.type) {
      case '@xstate.actor':
        return tellActor(actor);
      case '@xstate.event': {
        const { sourceRef, event } = inspected;
        const sourceId = sourceRef && idOf(sourceRef.sessionId);
        return deps.tell({ type: '@xstate.event', ...head(actor.sessionId), sourceId, event: eventOf(event) });
      }
      case '@xstate.microstep': {
        const ids = inspected._transitions.map(edgeIdOf).filter((id) => id !== null);
        taken.set(actor.sessionId, [...(taken.get(actor.sessionId) ?? []), ...ids]);
        return undefined;
      }
      case '@xstate.snapshot': {
        const transitions = taken.get(actor.sessionId) ?? [];
        taken.delete(actor.sessionId);
        const snapshot = snapshotOf(inspected.snapshot, deps.limits);
        return deps.tell({
          type: '@xstate.snapshot',
          ...head(actor.sessionId),
          event: eventOf(inspected.event),
          snapshot,
          transitions,
        });
      }
      default:
        return undefined;
    }
  };

  tellActor(root);
  for (const child of Object.values(childrenOf(root.getSnapshot()))) if (child instanceof Actor) tellActor(child);
  const watch = root.system.inspect((inspected) => {
    try {
      hear(inspected);
    } catch (error) {
      watch.unsubscribe();
      deps.onError(error);
    }
  });
  return watch;
}

/** Of other actors than machines no more than the status: what a promise brings is on its way into somebody's context. */
function snapshotOf(snapshot: unknown, limits: RedactionLimits): ToldSnapshot {
  const { status, value, context } = fieldsOf(snapshot);
  const told = {
    status: status === 'done' || status === 'error' || status === 'stopped' ? status : 'active',
    output: undefined,
    error: undefined,
  } as const;
  if (value === undefined) return told;
  const children = Object.fromEntries(Object.keys(childrenOf(snapshot)).map((id) => [id, { id }]));
  return { ...told, value, context: redacted(context, limits), children };
}

function childrenOf(snapshot: unknown): Readonly<Record<string, unknown>> {
  return fieldsOf(fieldsOf(snapshot)['children']);
}

/** A snapshot's fields are getters and plain ones mixed, and differ between kinds of actors. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function isWithin(actor: AnyActorRef, root: AnyActorRef): boolean {
  for (let each: AnyActorRef | undefined = actor; each !== undefined; each = parentOf(each))
    if (each === root) return true;
  return false;
}

function parentOf({ _parent }: AnyActorRef): AnyActorRef | undefined {
  return _parent instanceof Actor ? _parent : undefined;
}
