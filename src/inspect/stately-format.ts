/**
 * The format of live inspection: the messages of `@statelyai/inspect` 0.7.2, so that Stately's inspector, the
 * package's receivers and our own page all read the same. Types only; a test holds them against the package's.
 * Source: https://github.com/statelyai/inspect (src/types.ts and src/createInspector.ts).
 */
import { StateMachine, type AnyActorLogic } from 'xstate';

/** The version of the package whose messages these are. */
export const FORMAT_VERSION = '0.7.2';

interface Message {
  /** Of the root actor. Like every session id here it is unique beyond this process: a restart begins anew. */
  rootId: string;
  sessionId: string;
  /** Ms since the epoch, as the package writes it. */
  createdAt: string;
  /** Unique among a root actor's messages. The package leaves it null; here it tells a reader what it has seen. */
  id: string;
  _version: string;
}

/** As much of an actor's snapshot as is told. */
export interface ToldSnapshot {
  status: 'active' | 'done' | 'error' | 'stopped';
  /** Not told; the package's type wants them named. */
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

/** An actor is there. `definition`: the machine's config as JSON, or no more than its id. */
export interface ActorMessage extends Message {
  type: '@xstate.actor';
  name: string;
  parentId: string | undefined;
  definition: string;
  snapshot: ToldSnapshot;
}

/** An event was sent to an actor. */
export interface EventMessage extends Message {
  type: '@xstate.event';
  sourceId: string | undefined;
  event: EventObject;
}

/**
 * Where an event has left an actor. `transitions`, which the package does not have and its readers pass over, names
 * the transitions that were taken: ids of edges on the chart.
 */
export interface SnapshotMessage extends Message {
  type: '@xstate.snapshot';
  event: EventObject;
  snapshot: ToldSnapshot;
  transitions: readonly string[];
}

export type StatelyMessage = ActorMessage | EventMessage | SnapshotMessage;

/** Definitions by logic; a logic that is gone takes its text with it. */
export type Definitions = (logic: unknown, name: string) => string;

/** Of anything but a machine only the name is told, as the package has it. */
export function createDefinitions(): Definitions {
  const known = new WeakMap<AnyActorLogic, string>();
  return (logic, name) => {
    if (!(logic instanceof StateMachine)) return JSON.stringify({ id: name });
    const text = known.get(logic) ?? definitionOf(logic.config);
    known.set(logic, text);
    return text;
  };
}

/** Functions become `{ type: name }`, as the package has it, so that inline actions and guards keep their place. */
function definitionOf(config: object): string {
  return JSON.stringify(config, (_key, value: unknown) => (typeof value === 'function' ? { type: value.name } : value));
}
