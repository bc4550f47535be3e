/** Wakes whoever waits for something to come about, whenever any part of a proof has news. One a run. */

export interface Notifier {
  notify(): void;
  /** Resolves as soon as `holds`; rejects with what it waited for when that takes too long. */
  waitUntil(holds: () => boolean, what: () => string): Promise<void>;
}

/** Longer than any step takes on a machine that has much else to do. */
const TIMEOUT_MS = 60_000;

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
