/**
 * Defines the messages of live inspection: those of `@statelyai/inspect` 0.7.2. Stately's inspector, the package's
 * receivers and Parley's own page read the same format. A test compares the types with the package's.
 * Source: https://github.com/statelyai/inspect (`types` and `createInspector`).
 */
import { StateMachine, type AnyActorLogic } from 'xstate';

/** Version of the package that defines these messages. */
export const FORMAT_VERSION = '0.7.2';

interface Message {
  /** Session id of the root actor. Session ids contain the boot id, so they are unique across restarts. */
  rootId: string;
  sessionId: string;
  /** Ms since the epoch, as a string like the package's. */
  createdAt: string;
  /** Unique among a root actor's messages. The package leaves it null. Readers use it to skip repeats. */
  id: string;
  _version: string;
}

/** The part of an actor's snapshot that viewers get. */
export interface ActorSnapshot {
  status: 'active' | 'done' | 'error' | 'stopped';
  /** Never sent; the package's type requires both fields. */
  output: undefined;
  error: undefined;
  /** The state value of a machine; absent for other actors. */
  value?: unknown;
  context?: unknown;
  /** Ids of its children. */
  children?: Readonly<Record<string, { id: string }>>;
}

interface EventObject {
  type: string;
  [field: string]: unknown;
}

/** An actor exists. `definition`: the machine's config as JSON; for other actors only the id. */
export interface ActorMessage extends Message {
  type: '@xstate.actor';
  name: string;
  parentId: string | undefined;
  definition: string;
  snapshot: ActorSnapshot;
}

/** An actor received an event. */
export interface EventMessage extends Message {
  type: '@xstate.event';
  sourceId: string | undefined;
  event: EventObject;
}

/**
 * The state of an actor after an event. `transitions` are the ids of the transitions that were taken. The package does
 * not have this field, and its readers ignore it.
 */
export interface SnapshotMessage extends Message {
  type: '@xstate.snapshot';
  event: EventObject;
  snapshot: ActorSnapshot;
  transitions: readonly string[];
}

/** One message of live inspection. */
export type StatelyMessage = ActorMessage | EventMessage | SnapshotMessage;

/** Returns an actor's `definition`. */
export type Definitions = (logic: unknown, name: string) => string;

/**
 * Caches the text by logic, weakly. The package serializes it for each actor, which is most of the cost of its
 * inspection. For logic other than a machine the text has only the name, like the package's.
 */
export function createDefinitions(): Definitions {
  const known = new WeakMap<AnyActorLogic, string>();
  return (logic, name) => {
    if (!(logic instanceof StateMachine)) return JSON.stringify({ id: name });
    const text = known.get(logic) ?? definitionOf(logic.config);
    known.set(logic, text);
    return text;
  };
}

/** Functions become `{ type: name }`, like in the package, so inline actions and guards keep their place. */
function definitionOf(config: object): string {
  return JSON.stringify(config, (_key, value: unknown) => (typeof value === 'function' ? { type: value.name } : value));
}
