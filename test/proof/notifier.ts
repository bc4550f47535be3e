/** Wakes functions that wait for a condition, whenever any part of a proof has changed. One per run. */

export interface Notifier {
  notify(): void;
  /** Resolves as soon as `holds` returns true. Rejects after the timeout, with the name of the condition. */
  waitUntil(holds: () => boolean, what: () => string): Promise<void>;
}

/** Longer than any step takes on a busy machine. */
const TIMEOUT_MS = 180_000;

export function createNotifier(timeoutMs = TIMEOUT_MS): Notifier {
  let next = Promise.withResolvers<void>();
  return {
    notify() {
      next.resolve();
      next = Promise.withResolvers<void>();
    },
    async waitUntil(holds, what) {
      const late = Promise.withResolvers<void>();
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        late.resolve();
      }, timeoutMs);
      try {
        while (!holds()) {
          if (isLate) throw new Error(`time ran out while waiting for ${what()}`);
          await Promise.race([next.promise, late.promise]);
        }
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
