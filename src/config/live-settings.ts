/** Holds the current configuration, and passes each reload on to the parts of the server. Reads and checks no file. */
import type { Config } from './schema/schema.ts';

/** The current configuration. A key that needs a restart keeps its value (restart-keys.ts). */
export interface LiveSettings {
  current(): Config;
  /**
   * Options that stay the same object for the life of the server: `apply` replaces their fields. Read a field when you
   * use it. A copy, by destructuring or spreading, does not follow.
   */
  follow<Options extends object>(map: (config: Config) => Options): Options;
  /** Calls `work` at each `apply`. It must not throw. */
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
