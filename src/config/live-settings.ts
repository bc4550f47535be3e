/**
 * Holds the configuration in force, and passes each reload on to the parts of the server. Reads no file and checks
 * nothing.
 */
import type { Config } from './schema/schema.ts';

/** The configuration in force. A key that needs a restart keeps its value here (restart-keys.ts). */
export interface LiveSettings {
  current(): Config;
  /**
   * Options that stay the same object for the life of the server: `apply` replaces their fields. Read a field when it
   * is used; a copy of it, by destructuring or spreading, does not follow.
   */
  follow<Options extends object>(map: (config: Config) => Options): Options;
  /** Calls `work` at each `apply`, for what must be done at once. It must not throw. */
  onApply(work: () => void): void;
  /** Replaces the configuration. Updates options and calls work in the order in which they were registered. */
  apply(config: Config): void;
}

/** Starts with `config`. */
export function createLiveSettings(config: Config): LiveSettings {
  let current = config;
  const steps: (() => void)[] = [];
  return {
    current: () => current,
    follow(map) {
      const options = map(current);
      steps.push(() => void Object.assign(options, map(current)));
      return options;
    },
    onApply: (work) => void steps.push(work),
    apply(next) {
      current = next;
      for (const step of steps) step();
    },
  };
}
