/**
 * A machine's config as the JSON text that `@statelyai/inspect` sends for every actor. Made once for each machine:
 * the package makes it anew for each actor, which is most of what its inspection costs.
 */
import { StateMachine, type AnyActorLogic } from 'xstate';

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
