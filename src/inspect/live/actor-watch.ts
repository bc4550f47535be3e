/**
 * Watches the actors of one system and publishes their events in the format of `@statelyai/inspect`. It attaches to a
 * running system, so a system without viewers pays nothing. It publishes each message immediately and in order. The
 * package defers messages, and then reports a new actor with its last snapshot.
 */
import { Actor, type AnyActorRef, type InspectionEvent, type Subscription } from 'xstate';
import type { Definitions } from '../stately-format.ts';
import { edgeIdOf } from '../charts/chart.ts';
import { redacted, type RedactionLimits } from '../redaction.ts';
import { FORMAT_VERSION, type StatelyMessage, type ActorSnapshot } from '../stately-format.ts';

/** What a watch needs beside its actors. */
export interface WatchDeps {
  definitions: Definitions;
  limits: RedactionLimits;
  /** Makes session ids unique across processes: XState numbers actors from 0 in each. */
  bootId: string;
  nowMs(): number;
  /** Must not throw: XState calls it in the middle of a transition. */
  publish(message: StatelyMessage): void;
  onError(error: unknown): void;
}

/** The fields that all messages share. */
type Head = Pick<StatelyMessage, 'rootId' | 'sessionId' | 'createdAt' | 'id' | '_version'>;

/**
 * Publishes `root` and its children as they are now, then all events of `root` and its descendants. An error in the
 * watch itself ends the watch and goes to `onError`; the actors never see it.
 */
export function watchActors(root: AnyActorRef, deps: WatchDeps): Subscription {
  let lastId = 0;
  /** Transitions of the current macrostep, by actor. */
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

  const publishActor = (actor: AnyActorRef) =>
    deps.publish({
      type: '@xstate.actor',
      ...head(actor.sessionId),
      name: actor.id,
      parentId: actor === root || !actor._parent ? undefined : idOf(actor._parent.sessionId),
      definition: deps.definitions(actor instanceof Actor ? actor.logic : null, actor.id),
      snapshot: snapshotOf(actor.getSnapshot(), deps.limits),
    });

  const onInspected = (inspected: InspectionEvent) => {
    const actor = inspected.actorRef;
    if (!(actor instanceof Actor) || !isWithin(actor, root)) return;
    switch (inspected.type) {
      case '@xstate.actor':
        return publishActor(actor);
      case '@xstate.event': {
        const { sourceRef, event } = inspected;
        const sourceId = sourceRef && idOf(sourceRef.sessionId);
        return deps.publish({ type: '@xstate.event', ...head(actor.sessionId), sourceId, event: eventOf(event) });
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
        return deps.publish({
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

  publishActor(root);
  for (const child of Object.values(childrenOf(root.getSnapshot()))) if (child instanceof Actor) publishActor(child);
  const watch = root.system.inspect((inspected) => {
    try {
      onInspected(inspected);
    } catch (error) {
      watch.unsubscribe();
      deps.onError(error);
    }
  });
  return watch;
}

/** For actors other than machines only the status: the output of a promise reaches a machine's context anyway. */
function snapshotOf(snapshot: unknown, limits: RedactionLimits): ActorSnapshot {
  const { status, value, context } = fieldsOf(snapshot);
  const base = {
    status: status === 'done' || status === 'error' || status === 'stopped' ? status : 'active',
    output: undefined,
    error: undefined,
  } as const;
  if (value === undefined) return base;
  const children = Object.fromEntries(Object.keys(childrenOf(snapshot)).map((id) => [id, { id }]));
  return { ...base, value, context: redacted(context, limits), children };
}

function childrenOf(snapshot: unknown): Readonly<Record<string, unknown>> {
  return fieldsOf(fieldsOf(snapshot)['children']);
}

/** A snapshot mixes getters and plain fields, which differ between kinds of actors. */
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
