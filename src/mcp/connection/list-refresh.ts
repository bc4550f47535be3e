/**
 * Reads a changed list again, one request at a time. A change that is reported during a request causes one more request,
 * because the running one may have missed it.
 */

export interface ListRefresh {
  /** Reads the list, now or after the running request. */
  request(): void;
  isRunning(): boolean;
  /** Resolves when no request is running or due. */
  settled(): Promise<void>;
}

/** `read` must not reject. */
export function createListRefresh(read: () => Promise<void>): ListRefresh {
  let running: Promise<void> | null = null;
  let isDue = false;
  const readAll = async () => {
    while (isDue) {
      isDue = false;
      await read();
    }
    running = null;
  };
  return {
    request() {
      isDue = true;
      running ??= readAll();
    },
    isRunning: () => running !== null,
    settled: () => running ?? Promise.resolve(),
  };
}
