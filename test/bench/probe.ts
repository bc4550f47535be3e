/**
 * Loaded into every server under test with `node --expose-gc --import`: tells its memory after a
 * collection when the bench asks, and ends the server when the bench is gone. Worker threads load it too, and do nothing.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';

async function tellMemory(): Promise<void> {
  // What one collection frees may be all that holds the next.
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc?.();
    await nextTurn();
  }
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ heapBytes: heapUsed + external });
}

if (isMainThread) {
  process.on('message', () => void tellMemory());
  process.once('disconnect', () => process.exit());
}
