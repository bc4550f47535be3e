/** Wakes whoever waits for something to come about, whenever any part of a proof has news. One a run. */

export interface Bell {
  ring(): void;
  /** Resolves as soon as `holds`; rejects with what it waited for when that takes too long. */
  until(holds: () => boolean, what: () => string): Promise<void>;
}

/** Longer than any step takes on a machine that has much else to do. */
const PATIENCE_MS = 60_000;

export function createBell(patienceMs = PATIENCE_MS): Bell {
  let next = Promise.withResolvers<void>();
  return {
    ring() {
      next.resolve();
      next = Promise.withResolvers<void>();
    },
    async until(holds, what) {
      const late = Promise.withResolvers<void>();
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        late.resolve();
      }, patienceMs);
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
